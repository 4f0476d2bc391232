"""Running: an admitted statement goes out, gets its handle on record, is polled to its end, and ends exactly once.

Order of writes: intent (admission) → submit → handle → outcome. A submit is never sent twice. What became of one that
got no usable answer is `unknown` until `skipass.gateway.reconcile` finds it by its tag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog

from skipass.errors import SkipassError
from skipass.gateway.crashpoints import reached
from skipass.gateway.deps import Deps
from skipass.gateway.moves import move
from skipass.gateway.outcomes import Done, Outcomes
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.relay_sending import RelaySender
from skipass.gateway.revocation import Epoch
from skipass.gateway.way_out import Out
from skipass.ids import upstream_request_id
from skipass.nouns.statement import Intent, Statement, StatementState
from skipass.snowflake.errors import (
    SnowflakeAuthError,
    SnowflakeError,
    SnowflakeUnavailable,
    StatementCancelled,
    StatementNotFound,
    Throttled,
)
from skipass.snowflake.sqlapi.answers import CancelOutcome, Finished, Running
from skipass.snowflake.sqlapi.wire import SubmitRequest

SUBMIT_S = 50.0
POLL_S = 15.0
CANCEL_S = 2.0
_log = structlog.get_logger("skipass.running")


class Runner:
    """Drives the statements of this process; each has one task, whoever waits for it."""

    def __init__(self, deps: Deps, epoch: Epoch) -> None:
        self._deps, self.epoch, self._outcomes = deps, epoch, Outcomes(deps)
        self._relayed = RelaySender(deps, epoch, self._outcomes)
        self._tasks: dict[str, asyncio.Task[Done]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._cancels: set[asyncio.Task[None]] = set()

    def start(self, statement: Statement, intent: Intent, out: Out, admitted_under: int) -> asyncio.Task[Done]:
        """Send an admitted statement and see it to its end."""
        send = self._send if intent.call is None else self._relayed.send
        return self._keep(statement, send(statement, intent, out, admitted_under))

    def resume(self, statement: Statement, out: Out) -> asyncio.Task[Done]:
        """See a submitted statement to its end."""
        return self._keep(statement, self._follow(statement, out))

    def cancel_soon(self, statement: Statement, out: Out, by: str) -> None:
        """Cancel a statement as soon as it has a handle, without making anybody wait."""
        self._keep_cancel(asyncio.create_task(self._cancel_when_submitted(statement, out, by)))

    def _keep_cancel(self, task: asyncio.Task[None]) -> None:
        self._cancels.add(task)
        task.add_done_callback(self._cancels.discard)

    async def _cancel_when_submitted(self, statement: Statement, out: Out, by: str) -> None:
        pause = 0.05
        while statement.id in self._tasks:
            after = await self.cancel(statement, out, by)
            if after.state is not StatementState.ADMITTED:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    def task(self, statement_id: str) -> asyncio.Task[Done] | None:
        """Return the task of a statement that this process drives."""
        return self._tasks.get(statement_id)

    def hurry(self, statement_id: str) -> None:
        """Poll this statement now: something about it changed."""
        event = self._wake.get(statement_id)
        if event is not None:
            event.set()

    async def stop(self) -> None:
        """Leave every statement to whoever comes next; nothing is cancelled in Snowflake by a restart."""
        tasks: list[asyncio.Task[Any]] = [*self._tasks.values(), *self._cancels]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, statement: Statement, work: Coroutine[Any, Any, Done]) -> asyncio.Task[Done]:
        self._wake[statement.id] = asyncio.Event()
        task = self._tasks[statement.id] = asyncio.create_task(work, name=statement.id)
        task.add_done_callback(lambda done: self._drop(statement.id, done))
        return task

    def _drop(self, statement_id: str, task: asyncio.Task[Done]) -> None:
        self._tasks.pop(statement_id, None)
        self._wake.pop(statement_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("statement.left", statement=statement_id, error=type(task.exception()).__name__)

    async def _send(self, statement: Statement, intent: Intent, out: Out, admitted_under: int) -> Done:
        request = SubmitRequest(
            statement=intent.text,
            bindings=intent.bindings or None,
            database=intent.database,
            schema=intent.schema,
            warehouse=intent.warehouse,
            role=intent.role or None,
            timeout_s=statement.timeout_s,
            parameters=dict(intent.parameters) | {"query_tag": tag(statement), "multi_statement_count": "1"},
            request_id=upstream_request_id(statement.id),
            run_async=True,
            nullable=intent.nullable,
        )

        async def before_send() -> None:
            await self.epoch.still_admitted(statement, admitted_under)

        reached("before_submit")
        try:
            api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
            answer = await api.submit(request, tokens, timeout_s=SUBMIT_S, before_send=before_send)
        except SkipassError as refusal:
            return Done(await self._outcomes.final(statement, StatementState.NOT_SENT, _refused(refusal)))
        except SnowflakeError as error:
            await self._deps.upstream.refused(out, error)
            return await self._not_accepted(statement, error)
        reached("submitted_unrecorded")
        submitted = await self._outcomes.submitted(statement, answer.statement_handle)
        reached("handle_recorded")
        await self._deps.upstream.accepted(out)
        if isinstance(answer, Finished):
            return await self._finished(submitted, answer)
        return await self._follow(submitted, out)

    async def _not_accepted(self, statement: Statement, error: SnowflakeError) -> Done:
        facts = _upstream_error(error)
        if isinstance(error, SnowflakeUnavailable) and not error.sent:
            return Done(await self._outcomes.final(statement, StatementState.NOT_SENT, facts))
        if error.outcome_unknown:
            return Done(await self._outcomes.unknown(statement, facts))
        submitted = await self._outcomes.submitted(statement, error.statement_handle)
        return Done(await self._outcomes.final(submitted, StatementState.FAILED, facts))

    async def _follow(self, statement: Statement, out: Out) -> Done:
        """Poll at once, then every 50 ms doubling to 2 s, until Snowflake names an end."""
        pause, silent = 0.05, 0
        api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
        while True:
            try:
                answer = await api.poll(statement.handle or "", tokens, timeout_s=POLL_S)
                silent = 0
            except (SnowflakeError, SkipassError) as error:
                ended = await self._poll_failed(statement, out, error, silent)
                if ended is not None:
                    return ended
                silent += 1
                answer = Running(statement.handle or "", {}, getattr(error, "retry_after_s", None))
            if isinstance(answer, Finished):
                return await self._finished(statement, answer)
            await self._pause(statement.id, max(pause, answer.retry_after_s or 0.0))
            pause = min(pause * 2, 2.0)

    async def _pause(self, statement_id: str, seconds: float) -> None:
        wake = self._wake.get(statement_id)
        if wake is None:
            return
        try:
            async with asyncio.timeout(min(seconds, 30.0)):
                await wake.wait()
        except TimeoutError:
            return
        wake.clear()

    async def _poll_failed(
        self, statement: Statement, out: Out, error: SnowflakeError | SkipassError, silent: int
    ) -> Done | None:
        """Return the end that a failed poll means, or None to go on polling."""
        if isinstance(error, SkipassError):
            if not error.retryable:  # there is no credential for it any more, so nobody can say how it ends
                facts = _refused(error) | {"cancel_unconfirmed": True}
                return Done(await self._outcomes.unknown(statement, facts))
            error = SnowflakeUnavailable(error.message, sent=False)
        await self._deps.upstream.refused(out, error)
        facts = _upstream_error(error)
        if isinstance(error, StatementCancelled):
            return Done(await self._outcomes.final(statement, StatementState.CANCELLED, facts))
        if isinstance(error, (SnowflakeUnavailable, Throttled)) or error.outcome_unknown:
            # Snowflake itself ends the statement at its pinned timeout; past that and silent, somebody has to look.
            late = self._deps.journal.now() - statement.created_at > timedelta(seconds=statement.timeout_s + 60)
            return Done(await self._outcomes.unknown(statement, facts)) if late and silent > 5 else None
        if isinstance(error, (SnowflakeAuthError, StatementNotFound)):
            return Done(await self._outcomes.unknown(statement, facts))
        return Done(await self._outcomes.final(statement, StatementState.FAILED, facts))

    async def _finished(self, statement: Statement, answer: Finished) -> Done:
        sizes = [(p.row_count, p.uncompressed_bytes) for p in answer.partitions]
        sizes = sizes or [(len(answer.rows), sum(len(c or "") for row in answer.rows for c in row))]
        changes: dict[str, Any] = {
            "result_rows": answer.num_rows if answer.num_rows is not None else sizes[0][0],
            "result_bytes": sum(size for _, size in sizes),
            "partitions": tuple(sizes),
        }
        if statement.ticket:
            changes |= await self._outcomes.kept(statement, answer, sizes[0][1])
        reached("before_outcome")
        done = await self._outcomes.final(statement, StatementState.SUCCEEDED, changes)
        reached("outcome_recorded")
        return Done(done, answer.body)

    async def give_up(self, statement: Statement) -> Statement:
        """Record that nobody can say any more what becomes of a call; should its own answer come, that is recorded."""
        return await self._outcomes.unknown(statement, {"cancel_unconfirmed": True})

    async def cancel(self, statement: Statement, out: Out, by: str) -> Statement:
        """Cancel a running statement in Snowflake; `cancel_unconfirmed` if it will not say within two seconds.

        A call of a relayed tool cannot be cancelled: it is unknown from here on, until its own answer comes.
        """
        if statement.server_id is not None:
            return await self.give_up(statement)

        async def mark(unit: UnitOfWork) -> Statement:
            current = await unit.get(Statement, statement.id)
            if current is None or current.state is not StatementState.SUBMITTED:
                return current or statement
            return await move(unit, current, StatementState.CANCELLING, {"by": by})

        marked = await self._deps.journal.write(mark)
        if marked.state is not StatementState.CANCELLING or not marked.handle:
            return marked
        return await self._cancel_upstream(marked, out)

    async def _cancel_upstream(self, marked: Statement, out: Out) -> Statement:
        api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
        try:
            answer = await api.cancel(marked.handle or "", tokens, timeout_s=CANCEL_S)
        except (SnowflakeError, SkipassError):
            return await self._outcomes.unknown(marked, {"cancel_unconfirmed": True})
        if answer is CancelOutcome.CANCELLED:
            return await self._outcomes.final(
                marked, StatementState.CANCELLED, _error("000604", "SQL execution canceled")
            )
        # Nothing left to cancel: it ended first, and its own task learns how.
        self.hurry(marked.id)
        if self.task(marked.id) is None:
            self.resume(marked, out)
        return marked


def tag(statement: Statement) -> str:
    """Return the QUERY_TAG a statement carries upstream, by which it is found again."""
    return f"skipass:{'system:' if statement.system else ''}{statement.id}"


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error_code": code, "error_message": message[:4000]}


def _refused(refusal: SkipassError) -> dict[str, Any]:
    return _error(refusal.code, f"{refusal.message} {refusal.hint}".strip())


def _upstream_error(error: SnowflakeError) -> dict[str, Any]:
    message = f"{error.message} {error.hint}".strip()
    return _error(error.code or type(error).__name__, message) | {"error_state": error.sql_state}
