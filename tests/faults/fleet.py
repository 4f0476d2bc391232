"""Four gateway processes beside a test: asked for tokens, killed without warning, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.hands import SharedClock
from gateway.linked import Linked
from replicas import home_beside

TESTS = Path(__file__).parent.parent


@dataclass
class Member:
    """One gateway process and the line to it."""

    pid: int
    boot: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def arm(self, point: str) -> None:
        """Have it kill itself when it reaches a point."""
        assert await self._say({"arm": point}) == {"armed": point}

    async def ask(self, credential_id: str, callers: int) -> set[str] | None:
        """Return what its callers got, each another thing once; None where it died before it could say."""
        said = await self._say({"credential": credential_id, "callers": callers})
        return set(said["got"]) if said else None

    async def leave(self) -> None:
        """Wait until it has ended in order, as it does once nobody asks any more."""
        with contextlib.suppress(OSError):
            self.writer.write_eof()
            await self.reader.read()
        self.writer.close()

    async def _say(self, what: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(ConnectionError):
            self.writer.write(json.dumps(what).encode() + b"\n")
            line = await self.reader.readline()
            return dict(json.loads(line)) if line else {}
        return {}


@dataclass
class Fleet:
    """The processes over one database, by place; `pass_` moves the clock of all of them and of Snowflake."""

    own: Linked
    hands: SharedClock
    orders: list[dict[str, str]]
    nursery: asyncio.subprocess.Process
    arrivals: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    members: list[Member] = field(default_factory=list)

    def pass_(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self.own.stage.pass_(seconds)
        self.hands.pass_(seconds)

    async def start(self, place: int) -> None:
        """Put a fresh process in a place."""
        pid = int(await self._order(self.orders[place]))
        reader, writer = await self.arrivals.get()
        hello = json.loads(await reader.readline())
        assert hello["pid"] == pid
        self.members[place : place + 1] = [Member(pid, hello["boot"], reader, writer)]

    async def kill(self, place: int) -> None:
        """End a process at once, whatever it does."""
        os.kill(self.members[place].pid, signal.SIGKILL)
        await self.bury(place)

    async def bury(self, place: int) -> None:
        """Wait for the death of a process, which was sudden."""
        assert int(await self._order({"bury": self.members[place].pid})) == -signal.SIGKILL
        self.members[place].writer.close()

    async def _order(self, order: dict[str, Any]) -> str:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(order).encode() + b"\n")
        return (await self.nursery.stdout.readline()).decode()


@asynccontextmanager
async def fleet(own: Linked, path: Path, url: str, size: int) -> AsyncIterator[Fleet]:
    """Yield gateway processes beside the test's own, which only looks."""
    door, hands = path / "door", path / "hands"
    arrivals: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    clock = SharedClock(hands)
    orders = []
    for place in range(size):
        home = home_beside(own.at.home, path / f"home-{place}")
        orders.append({"home": str(home.path), "database_url": url, "hands": str(hands), "door": str(door)})
    server = await asyncio.start_unix_server(lambda *ends: arrivals.put_nowait(ends), door)
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "faults.crew"),
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), *sys.path))},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    crew = Fleet(own, clock, orders, nursery, arrivals)
    try:
        assert nursery.stdout is not None
        assert await nursery.stdout.readline() == b"ready\n"
        for place in range(size):
            await crew.start(place)
        yield crew
    finally:
        for member in crew.members:
            await member.leave()
        nursery.terminate()
        await nursery.wait()
        server.close()
