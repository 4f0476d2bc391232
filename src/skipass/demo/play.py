"""`skipass demo`: sets the stage, plays the story, and exits 1 if any step comes out otherwise."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from skipass.demo.doors import agent_door, person_door
from skipass.demo.stage import NotStarted, gateway
from skipass.demo.story import STEPS, Story
from skipass.demo.tell import Teller

APPROVER = "grace"


def play(form: str = "table", *, keep: bool = False) -> int:
    """Return the exit status of the demo; with `keep` the gateway stays up afterwards until it is interrupted."""
    return asyncio.run(_play(form, keep))


async def _play(form: str, keep: bool) -> int:
    teller = Teller(form)
    teller.open()
    try:
        with tempfile.TemporaryDirectory(prefix="skipass-demo-") as home:
            async with gateway(Path(home)) as ready:
                status = await tell(ready, Path(home), teller)
                if keep and status == 0:
                    await _stay(ready)
                return status
    except NotStarted as error:
        teller.failed("start", str(error))
        return 1


async def tell(ready: Mapping[str, Any], home: Path, teller: Teller) -> int:
    """Play the story against a running `serve --sandbox`; return 0 if every step came out."""
    try:
        await _steps(ready, home, teller)
    except Exception as error:  # noqa: BLE001 - whatever happened, a step came out otherwise
        teller.failed((*STEPS, "end")[teller.told], _reason(error))
        return 1
    return 0


async def _steps(ready: Mapping[str, Any], home: Path, teller: Teller) -> None:
    url = next(server["url"] for server in ready["mcp_servers"] if server["slug"] == ready["jit_connection"])
    async with (
        agent_door(url, ready["agent"]["api_key"]) as agent,
        person_door(ready["url"], ready["approver"]["api_key"], APPROVER) as person,
    ):
        async for told in Story(agent, person, lambda: verified(home)).steps():
            teller.step(told)


def _reason(error: BaseException) -> str:
    """Return what went wrong in one line; the client's task groups wrap it once or more."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def verified(home: Path) -> dict[str, Any]:
    """Return what `skipass audit verify` says of the record, run as anybody would run it."""
    command = [sys.executable, "-m", "skipass.cli.main", "audit", "verify", "--home", str(home), "--format", "json"]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    report: dict[str, Any] = orjson.loads(out.splitlines()[0]) if out.strip() else {"ok": False}
    return report


async def _stay(ready: Mapping[str, Any]) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    sys.stdout.write(f"The gateway stays up at {ready['url']} until you press Ctrl-C.\n")
    sys.stdout.flush()
    await stopped.wait()
