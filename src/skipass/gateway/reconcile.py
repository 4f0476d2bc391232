"""Reconcile: statements whose process died. With a handle they are polled; without one they are looked up by their tag.

An admitted statement without a handle may or may not have reached Snowflake. It is `unknown`, never sent again by
itself, and looked up in the query history at 0, 30 and 300 seconds: found gives its state, absent `not_found`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.moves import move
from skipass.gateway.outcomes import outcome
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.relay_finding import can_be_found, found
from skipass.gateway.running import Runner, tag
from skipass.gateway.system import System
from skipass.gateway.way_out import Out, out_of
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Intent, Statement, StatementState, intent_from

DEAD_AFTER = timedelta(seconds=10)
SETTLING = timedelta(seconds=2)
LOOKUPS = (timedelta(0), timedelta(seconds=30), timedelta(seconds=300))
_HISTORY = {
    "SUCCESS": StatementState.SUCCEEDED,
    "FAILED_WITH_ERROR": StatementState.FAILED,
    "FAIL": StatementState.FAILED,
    "FAILED_WITH_INCIDENT": StatementState.FAILED,
    "INCIDENT": StatementState.FAILED,
}
_log = structlog.get_logger("skipass.reconcile")


class Reconciler:
    """Adopts what other processes left behind."""

    def __init__(self, deps: Deps, runner: Runner, system: System) -> None:
        self._deps, self._runner, self._system = deps, runner, system

    async def adopt(self) -> None:
        """Take over every unfinished statement whose owner is gone."""
        me, journal = self._deps.journal.boot_id, self._deps.journal

        async def take(unit: UnitOfWork) -> list[Statement]:
            # Where no other process can write, every other owner is dead; elsewhere it must have been silent.
            before = unit.now if journal.exclusive else unit.now - DEAD_AFTER
            left = [*await unit.stale(me, before), *await self._dropped(unit, me)]
            return [await self._take(unit, found, me) for found in left]

        for statement in await journal.write(take):
            if statement.state in (StatementState.SUBMITTED, StatementState.CANCELLING):
                await self._resume(statement)

    async def _dropped(self, unit: UnitOfWork, me: str) -> list[Statement]:
        """Return this process's own statements that nothing drives any more: their task ended without an end."""
        states = (StatementState.ADMITTED, StatementState.SUBMITTED, StatementState.CANCELLING)
        mine = await unit.find(Statement, owner_boot=me, state=states, created_at__le=unit.now - SETTLING)
        return [statement for statement in mine if self._runner.task(statement.id) is None]

    async def _take(self, unit: UnitOfWork, statement: Statement, me: str) -> Statement:
        facts = {"from": statement.owner_boot, "to": me, "state": statement.state.value}
        unit.emit(Event(statement.tenant_id, "statement.adopted", statement.id, facts, statement.session_id))
        if statement.state is not StatementState.ADMITTED:
            return await unit.change(statement, owner_boot=me)
        # Nobody can cancel a relayed call, so its session does not wait for what is found out about it.
        relayed = {"cancel_unconfirmed": True} if statement.server_id else {}
        why = {"why": "its process died", **relayed}
        return await move(unit, statement, StatementState.UNKNOWN, why, owner_boot=me, lookup_at=unit.now, **relayed)

    async def _resume(self, statement: Statement) -> None:
        out = await self._out(statement)
        if out is None:
            await self._lost(statement)
        elif self._runner.task(statement.id) is None:
            self._runner.resume(statement, out)

    async def _lost(self, statement: Statement) -> None:
        """Leave a statement without any way to Snowflake as unknown: its account was taken away while it ran."""

        async def lose(unit: UnitOfWork) -> None:
            current = await unit.get(Statement, statement.id, state=statement.state)
            if current is not None:
                facts: dict[str, Any] = {"cancel_unconfirmed": True}
                later = unit.now + LOOKUPS[-1]
                await move(unit, current, StatementState.UNKNOWN, facts, lookup_at=later, **facts)

        await self._deps.journal.write(lose)

    async def look_up(self) -> None:
        """Ask Snowflake about every unknown statement of this process whose next lookup is due."""
        now, me = self._deps.journal.now(), self._deps.journal.boot_id

        async def due(reader: Reader) -> list[Statement]:
            where: dict[str, Any] = {
                "state": StatementState.UNKNOWN,
                "owner_boot": me,
                "lookup_at__le": now,
            }
            return await reader.find(Statement, limit=20, **where)

        for statement in await self._deps.journal.read(due):
            if self._runner.task(statement.id) is not None:
                continue  # its cancel was not confirmed, and it is still being polled
            try:
                await self._look_up(statement)
            except SkipassError as error:
                _log.info("reconcile.later", statement=statement.id, code=error.code)
                await self._again(statement, statement.lookups, timedelta(seconds=5))

    async def _look_up(self, statement: Statement) -> None:
        out = await self._out(statement)
        if out is None:
            await self._again(statement, statement.lookups, LOOKUPS[-1])
            return
        if statement.system:
            # The gateway's own questions change nothing and nobody waits for their rows.
            await self._ended(statement, StatementState.NOT_FOUND, {})
            return
        texts = await self._deps.texts(statement.tenant_id)
        intent = intent_from(texts.unseal(statement.intent_sealed or b"", statement.id, "intent"))
        if intent.call is not None:
            await self._look_for_call(statement, intent, out)
            return
        context: dict[str, Any] = {"role": intent.role, "warehouse": intent.warehouse, "database": intent.database}
        answer = await self._system.ask("history", out, binds=[tag(statement)], **context)
        if answer.rows:
            await self._found(statement, dict(answer.rows[0]), out)
        else:
            await self._absent(statement)

    async def _absent(self, statement: Statement) -> None:
        if statement.lookups + 1 >= len(LOOKUPS):
            await self._ended(statement, StatementState.NOT_FOUND, {})
        else:
            nth = statement.lookups + 1
            await self._again(statement, nth, LOOKUPS[nth] - LOOKUPS[nth - 1])

    async def _look_for_call(self, statement: Statement, intent: Intent, out: Out) -> None:
        """Look for a relayed call; one of another kind than SQL leaves no trace that is its own, and stays unknown."""
        if not can_be_found(intent):
            await self._again(statement, statement.lookups, None)
            return
        trace = await found(self._system, out, statement, intent)
        if trace is None:
            await self._absent(statement)
        elif trace[0] is None:
            await self._again(statement, statement.lookups, LOOKUPS[1])
        else:
            await self._ended(statement, trace[0], dict(trace[1]))

    async def _found(self, statement: Statement, row: dict[str, str | None], out: Out) -> None:
        state = _HISTORY.get((row["EXECUTION_STATUS"] or "").upper())
        changes: dict[str, Any] = {"handle": row["QUERY_ID"]}
        if state is None or (state is StatementState.SUCCEEDED and statement.handle is None):
            # At work there, or done with a result: follow it by the handle the history gave.
            followed = await self._handle(statement, row["QUERY_ID"])
            if self._runner.task(statement.id) is None:
                self._runner.resume(followed, out)
            return
        if state is StatementState.FAILED:
            code = row["ERROR_CODE"] or "failed"
            cancelled = code.lstrip("0") == "604"
            state = StatementState.CANCELLED if cancelled else state
            changes |= {"error_code": code, "error_message": row["ERROR_MESSAGE"] or "Snowflake failed the statement."}
        await self._ended(statement, state, changes)

    async def _handle(self, statement: Statement, handle: str | None) -> Statement:
        async def keep(unit: UnitOfWork) -> Statement:
            current = await unit.get(Statement, statement.id)
            if current is None:
                return replace(statement, handle=handle)
            return await unit.change(current, handle=handle, lookup_at=unit.now + LOOKUPS[-1])

        return await self._deps.journal.write(keep)

    async def _ended(self, statement: Statement, to: StatementState, changes: dict[str, Any]) -> None:
        async def end(unit: UnitOfWork) -> None:
            await outcome(unit, statement, to, **changes)

        await self._deps.journal.write(end)

    async def _again(self, statement: Statement, lookups: int, after: timedelta | None) -> None:
        async def later(unit: UnitOfWork) -> None:
            current = await unit.get(Statement, statement.id, state=StatementState.UNKNOWN)
            if current is not None:
                await unit.change(current, lookups=lookups, lookup_at=None if after is None else unit.now + after)

        await self._deps.journal.write(later)

    async def _out(self, statement: Statement) -> Out | None:
        async def load(reader: Reader) -> Out | None:
            session = await reader.get(AccessSession, statement.session_id)
            return await out_of(reader, statement, session.role if session else None)

        return await self._deps.journal.read(load)
