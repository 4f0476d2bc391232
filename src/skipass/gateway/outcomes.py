"""Outcomes: what became of an admitted statement, written down until it is on disk, and exactly one end for each.

What is true upstream stays true while the disk is away: these writes are tried until they hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from skipass.access.states import FINAL
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.metrics import STATEMENTS
from skipass.gateway.moves import move
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.statement import Statement, StatementState
from skipass.snowflake.sqlapi.answers import Finished

TICKET_BYTES = 1 << 20
TICKET_LIFE = timedelta(hours=24)
_TOLD = ("result_rows", "result_bytes", "error_code", "error_message", "handle")


@dataclass(frozen=True, slots=True)
class Done:
    """A statement that this process saw to its end; `body` is Snowflake's own, with the first partition."""

    statement: Statement
    body: Mapping[str, Any] | None = None


class Outcomes:
    """Writes down handles and ends."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def submitted(self, statement: Statement, handle: str | None) -> Statement:
        """Record that Snowflake took the statement, with its handle, before anything is polled."""

        async def record(unit: UnitOfWork) -> Statement:
            current = await unit.get(Statement, statement.id)
            if current is None or current.state is not StatementState.ADMITTED:
                return replace(current or statement, handle=handle)
            facts = {"handle": handle}
            return await move(unit, current, StatementState.SUBMITTED, facts, handle=handle, submitted_at=unit.now)

        return await self._persist(record)

    async def kept(self, statement: Statement, answer: Finished, size_bytes: int) -> dict[str, Any]:
        """Return a ticket's bounded result, sealed, so that it can be collected after its session."""
        return await self.kept_whole(statement, answer.body, size_bytes)

    async def kept_whole(self, statement: Statement, body: Mapping[str, Any], size_bytes: int) -> dict[str, Any]:
        """Return a bounded result, sealed, that Snowflake itself keeps for nobody or not long enough."""
        if size_bytes > TICKET_BYTES:
            return {}
        texts = await self._deps.texts(statement.tenant_id)
        sealed = texts.seal(orjson.dumps(dict(body)), statement.id, "result")
        return {"result_sealed": sealed, "result_until": self._deps.journal.now() + TICKET_LIFE}

    async def final(self, statement: Statement, to: StatementState, changes: Mapping[str, Any]) -> Statement:
        """Record the one end of a statement; where it has one already, return that."""

        async def record(unit: UnitOfWork) -> Statement:
            return await outcome(unit, statement, to, **changes)

        done = await self._persist(record)
        STATEMENTS.labels(done.kind.value, done.state.value).inc()
        return done

    async def answered(
        self, statement: Statement, to: StatementState, handle: str | None, changes: Mapping[str, Any]
    ) -> Statement:
        """Record at once that Snowflake took a statement and how it ended, where one answer tells both."""

        async def record(unit: UnitOfWork) -> Statement:
            current = await unit.get(Statement, statement.id)
            if current is not None and current.state is StatementState.ADMITTED:
                facts = {"handle": handle}
                await move(unit, current, StatementState.SUBMITTED, facts, handle=handle, submitted_at=unit.now)
            return await outcome(unit, statement, to, **changes)

        done = await self._persist(record)
        STATEMENTS.labels(done.kind.value, done.state.value).inc()
        return done

    async def unknown(self, statement: Statement, changes: Mapping[str, Any]) -> Statement:
        """Record that nobody knows what became of a statement, unless it has ended; it is looked up from now on."""

        async def record(unit: UnitOfWork) -> Statement:
            current = await unit.get(Statement, statement.id)
            if current is None or current.state is StatementState.UNKNOWN or current.state in FINAL:
                return current or statement
            return await move(unit, current, StatementState.UNKNOWN, changes, lookup_at=unit.now, **changes)

        return await self._persist(record)

    async def _persist(self, record: Callable[[UnitOfWork], Awaitable[Statement]]) -> Statement:
        """Write what is already true upstream; the disk may be away for a while, the fact stays."""
        pause = 0.1
        while True:
            try:
                return await self._deps.journal.write(record)
            except SkipassError as error:
                if error.code != "not_recorded":
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)


async def outcome(unit: UnitOfWork, statement: Statement, to: StatementState, **changes: Any) -> Statement:
    """Give a statement its one final state, from wherever its table allows, and settle what it had reserved."""
    current = await unit.get(Statement, statement.id)
    if current is None or current.state in FINAL:
        return current or statement
    told = {name: value for name, value in changes.items() if name in _TOLD}
    done = await move(unit, current, to, told, finished_at=unit.now, **changes)
    if not current.ticket and not current.system:
        # A relayed call is known to be submitted only when it has ended.
        since = current.created_at if current.server_id else current.submitted_at or current.created_at
        used = int((unit.now - since).total_seconds()) + 1
        await unit.settle(current.session_id, max(0, current.timeout_s - used))
    return done
