"""The stage: a gateway and its sandbox in child processes, on free loopback ports, with SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

STARTS_WITHIN_S = 90


class NotStarted(Exception):
    """The gateway did not come up; its own words are on stderr."""


@asynccontextmanager
async def gateway(home: Path, *options: str, env: dict[str, str] | None = None) -> AsyncIterator[dict[str, Any]]:
    """Yield what `serve --sandbox --format json` says of itself, and stop it at the end."""
    child, ready = await start(home, *options, env=env)
    try:
        yield ready
    finally:
        await stop(child)
        end_sandbox(home)


async def start(
    home: Path, *options: str, env: dict[str, str] | None = None
) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """Return the running child and its first line."""
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--sandbox", "--format", "json", "--port", "0"]
    child = await asyncio.create_subprocess_exec(
        *command,
        *("--home", str(home)),
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SKIPASS_LOG_LEVEL": "warning", **(env or {})},
        limit=1 << 20,
    )
    line = await asyncio.wait_for(child.stdout.readline(), STARTS_WITHIN_S) if child.stdout else b""
    if not line:
        await child.wait()
        raise NotStarted(f"the gateway ended with status {child.returncode}")
    ready: dict[str, Any] = orjson.loads(line)
    return child, ready


def end_sandbox(home: Path) -> None:
    """End the sandbox that a killed gateway left, so that it can be found again: nobody looks for this home's."""
    kept = home / "sandbox.json"
    pid = orjson.loads(kept.read_bytes()).get("pid") if kept.exists() else None
    with contextlib.suppress(OSError):
        if pid and str(home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)


async def stop(child: asyncio.subprocess.Process) -> None:
    """Ask the child to end, and make sure that it does."""
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), 15)
    except TimeoutError:
        child.kill()
        await child.wait()
