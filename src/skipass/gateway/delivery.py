"""Delivery: rows leave only while their session is open, and only after they were debited, a partition at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway import answers
from skipass.gateway.columns import KnownColumns
from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.running import POLL_S
from skipass.gateway.sessions import Sessions
from skipass.gateway.way_out import Out
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.sqlapi.answers import Finished


class Delivery:
    """Hands out results."""

    def __init__(self, deps: Deps, sessions: Sessions) -> None:
        self._deps, self._sessions, self._columns = deps, sessions, KnownColumns()

    async def first(self, statement: Statement, body: Mapping[str, Any] | None, out: Out) -> Envelope:
        """Return a succeeded statement with its first partition, `body` where this process still has it."""
        if statement.state is not StatementState.SUCCEEDED:
            await self._mark(statement)
            return answers.state_of(statement)
        if statement.ticket:
            return await self._ticket(statement)
        if not statement.partitions or (statement.server_id and not self._is_kept(statement)):
            await self._mark(statement)
            raise SkipassError("result_expired", "It succeeded; its result is gone.", "Run it again if it was a read.")
        await self.debit(statement, 0)
        if statement.server_id:
            return answers.relayed(statement, await self._kept(statement))
        if body is None:
            body = await self._fetch(statement, out)
        self._columns.note(statement.id, body)
        return answers.success(statement, body)

    async def partition(self, statement: Statement, index: int, out: Out) -> Envelope:
        """Return one partition of a succeeded statement: Snowflake's own body, and what the columns are."""
        if statement.state is not StatementState.SUCCEEDED:
            return answers.state_of(statement)
        count = len(statement.partitions)
        if index >= count:
            hint = f"Partitions are numbered 0 to {count - 1}."
            raise SkipassError("invalid_request", f"There is no partition {index}.", hint)
        if index == 0:
            return await self.first(statement, None, out)
        if statement.ticket:
            hint = "Run it as a read in a session of its own."
            raise SkipassError("result_expired", "Of a held statement only the first partition is kept.", hint)
        await self.debit(statement, index)
        columns = self._columns.of(statement.id)
        if columns is None:
            columns = self._columns.note(statement.id, await self._fetch(statement, out))
        api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
        try:
            part = await api.partition(statement.handle or "", index, tokens, timeout_s=POLL_S)
        except SnowflakeError as error:
            await self._deps.upstream.refused(out, error)
            raise unavailable(error) from None
        meta = {"rowType": columns}
        body = {"statementHandle": statement.handle, "partition": index, "resultSetMetaData": meta, "data": part.rows}
        return Envelope(
            Status.SUCCESS,
            statement.id,
            statement.session_id,
            body,
            {"statementHandle": statement.id, "partition": index, "partitions": count},
        )

    async def _fetch(self, statement: Statement, out: Out) -> Mapping[str, Any]:
        api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
        try:
            answer = await api.poll(statement.handle or "", tokens, timeout_s=POLL_S)
        except SnowflakeError as error:
            await self._deps.upstream.refused(out, error)
            raise unavailable(error) from None
        if not isinstance(answer, Finished):
            raise SkipassError("result_expired", hint="Run the statement again.")
        return answer.body

    async def _ticket(self, statement: Statement) -> Envelope:
        await self._mark(statement)
        if not self._is_kept(statement):
            return answers.state_of(statement)
        body = await self._kept(statement)
        return answers.relayed(statement, body) if statement.server_id else answers.success(statement, body)

    def _is_kept(self, statement: Statement) -> bool:
        now = self._deps.journal.now()
        return statement.result_sealed is not None and (statement.result_until or now) >= now

    async def _kept(self, statement: Statement) -> dict[str, Any]:
        """Return the result that is kept here, sealed."""
        texts = await self._deps.texts(statement.tenant_id)
        body: dict[str, Any] = orjson.loads(texts.unseal(statement.result_sealed or b"", statement.id, "result"))
        return body

    async def _mark(self, statement: Statement) -> None:
        """Take note that the outcome reached its caller: the same call is a new statement from here on."""
        if statement.delivered_at is not None:
            return

        async def mark(unit: UnitOfWork) -> None:
            current = await unit.get(Statement, statement.id)
            if current is not None and current.delivered_at is None:
                await unit.change(current, delivered_at=unit.now)
                unit.emit(_delivered(statement, 0, 0, 0))

        await self._deps.journal.write(mark)

    async def debit(self, statement: Statement, index: int) -> None:
        """Take a partition off what its session may still have delivered; raises `expired`, `budget_exceeded`."""
        rows, size_bytes = statement.partitions[index]

        async def debit(unit: UnitOfWork) -> tuple[bool, AccessSession | None]:
            session = await unit.get(AccessSession, statement.session_id)
            if not await unit.debit(statement.session_id, rows, size_bytes):
                return False, session
            current = await unit.get(Statement, statement.id)
            if current is not None and current.delivered_at is None:
                await unit.change(current, delivered_at=unit.now)
            unit.emit(_delivered(statement, index, rows, size_bytes))
            return True, session

        debited, session = await self._deps.journal.write(debit)
        if not debited:
            await self._withhold(session, rows, size_bytes)

    async def _withhold(self, session: AccessSession | None, rows: int, size_bytes: int) -> None:
        now = self._deps.journal.now()
        if (
            session is None
            or session.state is not SessionState.OPEN
            or not session.expires_at
            or session.expires_at <= now
        ):
            raise SkipassError(
                "expired", "The session has ended; its results are no longer handed out.", "Ask for one."
            )
        await self._sessions.end(session, EndReason.BUDGET, "budget")
        left = session.left
        message = (
            f"The partition holds {rows} rows, {size_bytes} bytes; {left.rows} rows, {left.bytes} bytes were left."
        )
        raise SkipassError("budget_exceeded", message, "Ask for a new session, or for fewer rows.")


def _delivered(statement: Statement, index: int, rows: int, size_bytes: int) -> Event:
    facts = {"partition": index, "rows": rows, "bytes": size_bytes}
    return Event(statement.tenant_id, "statement.delivered", statement.id, facts, statement.session_id)


def unavailable(error: SnowflakeError) -> SkipassError:
    """Return the refusal of rows that Snowflake did not give."""
    return SkipassError("snowflake_unavailable", error.message, error.hint or "Ask again.", retryable=error.retryable)
