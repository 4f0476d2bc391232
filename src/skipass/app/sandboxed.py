"""`--sandbox`: a stand-in for Snowflake in a child process, and the demo's people, agent and connections in front of it.

In a temporary home all of it is gone at the end. In a named one it is kept, so that a gateway that was killed finds the
same account again: the child outlives it on purpose and is found by its address.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from skipass.vault.keys import write_owner_only

ADMIN, APPROVER = "ada", "grace"
_PR_SET_PDEATHSIG = 1


@asynccontextmanager
async def sandbox_home(settings: Settings) -> AsyncIterator[Path]:
    """Yield the home to use: the one named, or a temporary one; initialised either way."""
    if "home" in settings.model_fields_set:
        yield await _initialised(settings.home.expanduser())
        return
    with tempfile.TemporaryDirectory(prefix="skipass-sandbox-") as directory:
        yield await _initialised(Path(directory))


async def _initialised(path: Path) -> Path:
    home, own = Home(path), path / "sandbox"
    if home.initialised and not own.exists():
        hint = "Choose another --home for the sandbox."
        raise SkipassError("already_initialised", f"{path} holds a gateway that is not a sandbox.", hint)
    own.mkdir(parents=True, mode=0o700, exist_ok=True)
    if not home.initialised:
        await initialise(home, ADMIN, APPROVER)
    return path


@asynccontextmanager
async def sandboxed(settings: Settings, gateway: Gateway) -> AsyncIterator[dict[str, Any]]:
    """Yield what `serve --format json` adds under `--sandbox`, with the account running and the demo's things in place."""
    keep = settings.home / "sandbox.json"
    kept: dict[str, Any] = orjson.loads(keep.read_bytes()) if keep.exists() else {}
    child = None
    if not kept or not await _answers(kept["sandbox"]["account_url"]):
        port = int(kept["sandbox"]["host"].rpartition(":")[2]) if kept else 0
        child, account = await _start(settings.home / "sandbox", port, lasting="home" in settings.model_fields_set)
        kept |= {"sandbox": account}
    if "agent" not in kept:
        kept |= await seed(gateway, kept["sandbox"], ADMIN, APPROVER)
        write_owner_only(keep, orjson.dumps(kept))
    try:
        yield kept
    finally:
        await _stop(child)


async def _start(data: Path, port: int, *, lasting: bool) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    command = [sys.executable, "-m", "skipass.sandbox", "serve", "--port", str(port), "--format", "json"]
    child = await asyncio.create_subprocess_exec(
        *command,
        *(("--data-dir", str(data)) if lasting else ()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=None if lasting else _end_with_parent,
        limit=1 << 20,
    )
    line = await asyncio.wait_for(_first_line(child), 60)
    if not line:
        raise SkipassError("internal_error", "The sandbox did not start.", "Its own message is above.")
    account: dict[str, Any] = orjson.loads(line)
    return child, account


async def _first_line(child: asyncio.subprocess.Process) -> bytes:
    return await child.stdout.readline() if child.stdout else b""


def _end_with_parent() -> None:
    """Ask Linux to end the child when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _stop(child: asyncio.subprocess.Process | None) -> None:
    if child is None or child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), 5)
    except TimeoutError:
        child.kill()
        await child.wait()


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http, http.get(url) as answer:
            return answer.status < 600
    except (aiohttp.ClientError, TimeoutError):
        return False
