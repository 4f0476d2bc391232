"""`--sandbox`: a stand-in for Snowflake in a child process, and the demo's people, agent and connections.

In a temporary home all of it is gone at the end. In a named one it is kept, so that a gateway that was killed finds the
same account again: the child outlives it on purpose and is found by its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from skipass.app.demo_seed import seed
from skipass.app.home import Home
from skipass.app.initialise import initialise
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.secret import Secret
from skipass.vault.keys import write_owner_only

ADMIN, APPROVER = "ada", "grace"
_PR_SET_PDEATHSIG = 1


@asynccontextmanager
async def sandbox_home(settings: Settings) -> AsyncIterator[Path]:
    """Yield the home to use: the one named, or a temporary one; initialised either way."""
    if "home" in settings.model_fields_set:
        yield await _initialised(settings.place(), settings.database())
        return
    with tempfile.TemporaryDirectory(prefix="skipass-sandbox-") as directory:
        yield await _initialised(replace(settings.place(), path=Path(directory)), settings.database())


async def _initialised(home: Home, database_url: Secret[str] | None) -> Path:
    path, own = home.path, home.path / "sandbox"
    if home.initialised and not own.exists():
        hint = "Choose another --home for the sandbox."
        raise SkipassError("already_initialised", f"{path} holds a gateway that is not a sandbox.", hint)
    home.path.mkdir(parents=True, mode=0o700, exist_ok=True)
    own.mkdir(mode=0o700, exist_ok=True)
    if not home.initialised:
        await initialise(home, ADMIN, APPROVER, database_url=database_url)
    return path


@asynccontextmanager
async def sandboxed(settings: Settings, gateway: Gateway) -> AsyncIterator[dict[str, Any]]:
    """Yield what `serve --format json` adds under `--sandbox`, with the account running and seeded."""
    keep = settings.home / "sandbox.json"
    kept: dict[str, Any] = orjson.loads(keep.read_bytes()) if keep.exists() else {}
    pid = kept.pop("pid", 0)
    if not kept or not await _answers(kept["sandbox"]["account_url"]):
        port = int(kept["sandbox"]["host"].rpartition(":")[2]) if kept else 0
        child, account = await _start(settings.home / "sandbox", port, lasting="home" in settings.model_fields_set)
        pid, kept["sandbox"] = child.pid, account
    if "agent" not in kept:
        kept |= await seed(gateway, kept["sandbox"], ADMIN, APPROVER)
    keep.unlink(missing_ok=True)
    write_owner_only(keep, orjson.dumps(kept | {"pid": pid}))
    try:
        yield kept
    finally:
        await _stop(pid)


async def _start(data: Path, port: int, *, lasting: bool) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    command = [sys.executable, "-m", "skipass.sandbox", "serve", "--port", str(port), "--format", "json"]
    child = subprocess.Popen(  # noqa: ASYNC220, S603  our own module, and it has to outlive this loop
        [*command, *(("--data-dir", str(data)) if lasting else ())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=None if lasting else _end_with_parent,  # noqa: PLW1509  prctl and nothing else
    )
    line = await asyncio.wait_for(asyncio.to_thread(_first_line, child), 60)
    if not line:
        raise SkipassError("internal_error", "The sandbox did not start.", "Its own message is above.")
    account: dict[str, Any] = orjson.loads(line)
    return child, account


def _first_line(child: subprocess.Popen[bytes]) -> bytes:
    return child.stdout.readline() if child.stdout else b""


def _end_with_parent() -> None:
    """Ask Linux to end the child when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _stop(pid: int) -> None:
    """End the sandbox, whichever gateway started it, and wait a little for it to be gone."""
    if not _is_sandbox(pid):
        return
    os.kill(pid, signal.SIGTERM)
    for _ in range(100):
        if not _is_sandbox(pid):
            return
        await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)


def _is_sandbox(pid: int) -> bool:
    """Return whether this process lives and is what we started: a pid alone may have been given to another."""
    try:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return b"skipass.sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http, http.get(url) as answer:
            return answer.status < 600
    except (aiohttp.ClientError, TimeoutError):
        return False
