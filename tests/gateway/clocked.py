"""A gateway whose clock a test moves, in front of a sandbox that goes by the same wall clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateways import Stage, stage
from skipass.audit.chain import Record
from skipass.sandbox.testing import RunningSandbox
from skipass.storage.export import records
from storage.clocks import ManualClock


@dataclass(frozen=True, slots=True)
class Clocked:
    """A stage and the hands of its clock."""

    at: Stage
    clock: ManualClock

    def pass_(self, seconds: float) -> None:
        """Let time pass, in the gateway and in Snowflake."""
        self.clock.pass_(seconds)
        self.agree()

    def step(self, seconds: float) -> None:
        """Set the gateway's wall clock; Snowflake is told, so that only the gateway's own rules are tested."""
        self.clock.step(seconds)
        self.agree()

    def agree(self) -> None:
        """Let Snowflake go by the gateway's wall clock."""
        offset = (self.clock.now() - datetime.now(UTC)).total_seconds()
        self.at.sandbox.control.switches(clock_offset_s=offset)

    async def tick(self) -> None:
        """Do what is due, as the background work does four times a second."""
        await self.at.gateway.jobs.tick()

    def kinds(self, kind: str) -> list[Record]:
        """Return the records of a kind so far."""
        return [record for record in records(self.at.home.database) if record.kind == kind]


@asynccontextmanager
async def clocked(sandbox: RunningSandbox, path: Path, *, database_url: str | None = None) -> AsyncIterator[Clocked]:
    """Yield a seeded gateway with a clock that stands still until it is moved."""
    sandbox.control.reset()
    clock = ManualClock(datetime.now(UTC))
    async with stage(sandbox, path, clock, database_url=database_url) as at:
        running = Clocked(at, clock)
        running.agree()
        yield running
