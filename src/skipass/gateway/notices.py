"""Notices: what stands in the outbox leaves, by each channel, until it is taken or there is nothing left to tell.

At least once: a notice is sent again when the process ends between sending it and writing that down.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.messages import message_of
from skipass.gateway.outbox import CHANNELS, remind
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.webhooks import NotDelivered
from skipass.gateway.written import Written
from skipass.nouns.notice import Notice, NoticeState

ROUND_S = 1.0
AT_ONCE = 20
ATTEMPTS = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=20), timedelta(minutes=10)
"""The first is longer than any channel takes: while a notice is being sent, no other process takes it up."""
_log = structlog.get_logger("skipass.notices")


class Notices:
    """Delivers the outbox of this deployment; safe to run in several processes."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Say which channels there are, so that questions are put into the outbox for them, and begin."""
        names = ",".join(sorted(self._deps.channels))

        async def name(unit: UnitOfWork) -> None:
            await unit.set(CHANNELS, names)

        await self._deps.journal.write(name)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave what is not delivered to the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.round()
            except SkipassError as error:
                _log.warning("notices.later", code=error.code)
            except Exception as error:  # noqa: BLE001  a round that fails once is tried again, and says so
                _log.error("notices.failed", error=type(error).__name__)
            await asyncio.sleep(ROUND_S)

    async def round(self) -> int:
        """Try everything that is due, side by side, and return how many notices were taken up."""
        taken = await self._deps.journal.write(_take)
        await asyncio.gather(*(self._deliver(notice) for notice in taken))
        return len(taken)

    async def _deliver(self, notice: Notice) -> None:
        base_url = self._deps.base_url
        message = await self._deps.journal.read(lambda reader: message_of(reader, notice, base_url))
        if message is None:
            await self._finish(notice, NoticeState.DROPPED)
            return
        why = await self._send(notice.channel, message)
        if why is None:
            await self._finish(notice, NoticeState.SENT)
            return
        _log.warning("notice.not_delivered", notice=notice.id, channel=notice.channel, attempt=notice.attempts, why=why)
        await self._finish(notice, NoticeState.FAILED if notice.attempts >= ATTEMPTS else NoticeState.PENDING, why)

    async def _send(self, name: str, message: Written) -> str | None:
        """Return why a channel did not take a message, or None."""
        channel = self._deps.channels.get(name)
        if channel is None:
            return "there is no such channel any more"
        try:
            await channel.send(message)
        except NotDelivered as refused:
            return str(refused)
        return None

    async def _finish(self, notice: Notice, state: NoticeState, why: str | None = None) -> None:
        over = state is not NoticeState.PENDING

        async def record(unit: UnitOfWork) -> None:
            current = await unit.get(Notice, notice.id, state=NoticeState.PENDING, version=notice.version)
            if current is None:
                return
            await unit.change(current, state=state, error=why, finished_at=unit.now if over else None)
            if notice.review_id is not None and over and state is not NoticeState.DROPPED:
                await remind(unit, current)
            if state in (NoticeState.SENT, NoticeState.FAILED):
                facts = {"channel": notice.channel, "approval_id": notice.approval_id, "attempts": notice.attempts}
                facts |= {"review_id": notice.review_id} if notice.review_id else {}
                facts |= {"account_id": notice.account_id} if notice.account_id else {}
                facts |= {"agent_id": notice.agent_id, "user_id": notice.user_id} if notice.agent_id else {}
                facts |= {"why": why} if why else {}
                unit.emit(Event(notice.tenant_id, f"notice.{state.value}", notice.id, facts))

        await self._deps.journal.write(record)


async def _take(unit: UnitOfWork) -> list[Notice]:
    """Take up what is due: its next attempt moves ahead, so nobody else sends it meanwhile."""
    due = await unit.find(Notice, state=NoticeState.PENDING, next_at__le=unit.now, limit=AT_ONCE)
    return [await unit.change(one, attempts=one.attempts + 1, next_at=unit.now + pause(one.attempts)) for one in due]


def pause(attempts: int) -> timedelta:
    """Return how long after the next attempt the one after it comes: twenty seconds, doubling to ten minutes."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts, 10)
    return min(doubled, LONGEST_PAUSE)
