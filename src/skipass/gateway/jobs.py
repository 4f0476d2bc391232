"""What happens by itself: sessions expire, questions lapse, tickets run, lost statements are looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from skipass.access.policy import policy_from
from skipass.errors import SkipassError
from skipass.gateway.cancelling import Ending
from skipass.gateway.deps import Deps
from skipass.gateway.metrics import HELD, SESSIONS_OPEN
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.reconcile import Reconciler
from skipass.gateway.revocation import Epoch
from skipass.gateway.tickets import Tickets
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState

TICK_S = 0.25
BEAT_S = 2.0
ADOPT_S = 5.0
LEAST_IDLE = timedelta(seconds=1)
Round = tuple[Callable[[], Awaitable[object]], float]
"""A piece of work, and how many seconds lie between two rounds of it."""
_log = structlog.get_logger("skipass.jobs")


class Jobs:
    """The background work of one process; every piece is safe to run in several."""

    def __init__(
        self,
        deps: Deps,
        epoch: Epoch,
        ending: Ending,
        tickets: Tickets,
        reconciler: Reconciler,
        more: Sequence[Round] = (),
    ) -> None:
        self._deps, self._epoch, self._ending = deps, epoch, ending
        self._tickets, self._reconciler, self._more = tickets, reconciler, more
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the first round of each job runs at once."""
        rounds: list[Round] = [
            (self._epoch.poll, TICK_S),
            (self.tick, TICK_S),
            (self._beat, BEAT_S),
            (self._reconciler.adopt, ADOPT_S),
            (self._reconciler.look_up, 1.0),
            *self._more,
        ]
        self._tasks = [asyncio.create_task(_repeat(work, pause)) for work, pause in rounds]

    async def stop(self) -> None:
        """End every job."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._tickets.stop()

    async def _beat(self) -> None:
        async def beat(unit: UnitOfWork) -> None:
            await unit.beat(self._deps.journal.boot_id)

        await self._deps.journal.write(beat)

    async def tick(self) -> None:
        """Do everything whose time has come."""
        now = self._deps.journal.now()
        ending, tickets, lapsing, closing = await self._deps.journal.read(lambda reader: _due(reader, now))
        for approval in lapsing:
            await self._lapse(approval)
        for statement in tickets:
            self._tickets.run_soon(statement.id)
        for session, reason in ending:
            await self._ending.end(session, reason, "clock")
        for session in closing:
            await self._ending.settle(session)

    async def _lapse(self, approval: Approval) -> None:
        async def lapse(unit: UnitOfWork) -> None:
            current = await unit.get(Approval, approval.id)
            if current is None or current.expires_at > unit.now:
                return
            if current.state is ApprovalState.WAITING:
                await move(unit, current, ApprovalState.LAPSED, decided_at=unit.now)
            session = await unit.get(AccessSession, current.subject_id, state=SessionState.REQUESTED)
            if session is not None:
                await move(unit, session, SessionState.LAPSED, closed_at=unit.now)
            statement = await unit.get(Statement, current.subject_id)
            if statement is not None and statement.state in (StatementState.HELD, StatementState.APPROVED):
                await move(unit, statement, StatementState.LAPSED, finished_at=unit.now)

        await self._deps.journal.write(lapse)


Due = tuple[list[tuple[AccessSession, EndReason]], list[Statement], list[Approval], list[AccessSession]]


async def _due(reader: Reader, now: datetime) -> Due:
    waiting = await reader.find(Approval, state=ApprovalState.WAITING, expires_at__le=now)
    tickets = await reader.find(Statement, state=StatementState.APPROVED, limit=100)
    SESSIONS_OPEN.set(await reader.count(AccessSession, state=SessionState.OPEN))
    HELD.set(await reader.count(Statement, state=StatementState.HELD))
    expired = await reader.find(AccessSession, state=SessionState.OPEN, expires_at__le=now, order="expires_at")
    ending = [(session, EndReason.EXPIRED) for session in expired]
    ending += [(session, EndReason.IDLE) for session in await _idle(reader, now)]
    for ticket in tickets:
        approval = await reader.get(Approval, ticket.approval_id)
        if approval is not None and approval.expires_at <= now:
            waiting.append(approval)
    return ending, tickets, waiting, await reader.find(AccessSession, state=SessionState.CLOSING)


async def _idle(reader: Reader, now: datetime) -> list[AccessSession]:
    """Return the open sessions without a call for as long as their policy allows; running is not idle."""
    idle = []
    quiet: dict[str, Any] = {"state": SessionState.OPEN, "last_call_at__le": now - LEAST_IDLE, "expires_at__gt": now}
    for session in await reader.find(AccessSession, order="last_call_at", **quiet):
        connection = await reader.get(Connection, session.connection_id)
        allowed = timedelta(seconds=policy_from(connection.policy).idle_s) if connection else LEAST_IDLE
        running = (StatementState.ADMITTED, StatementState.SUBMITTED)
        quiet_for = now - session.last_call_at
        if quiet_for >= allowed and not await reader.count(Statement, session_id=session.id, state=running):
            idle.append(session)
    return idle


async def _repeat(work: Callable[[], Awaitable[object]], pause: float) -> None:
    while True:
        try:
            await work()
        except SkipassError as error:
            _log.warning("job.later", job=work.__qualname__, code=error.code)
        except Exception as error:  # noqa: BLE001  a job that fails once is tried again, and says so
            _log.error("job.failed", job=getattr(work, "__qualname__", "?"), error=type(error).__name__)
        await asyncio.sleep(pause)
