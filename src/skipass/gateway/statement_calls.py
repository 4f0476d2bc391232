"""The tools about one statement: run it, ask how it is doing, fetch its rows, cancel it."""

from __future__ import annotations

from typing import Any

from skipass.access.states import FINAL
from skipass.errors import SkipassError
from skipass.gateway import answers
from skipass.gateway.admission import Asked
from skipass.gateway.approvals import until_decided
from skipass.gateway.delivery import Delivery
from skipass.gateway.deps import Deps
from skipass.gateway.execute import OVER, Executor, Target, collect
from skipass.gateway.holding import withdraw
from skipass.gateway.ports import Reader
from skipass.gateway.running import Runner
from skipass.gateway.standing import Standing, standing
from skipass.gateway.tickets import Tickets
from skipass.nouns.approval import Approval
from skipass.nouns.connection import Connection
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.nouns.statement import Statement, StatementState
from skipass.tools import inputs
from skipass.tools.call import CallContext
from skipass.tools.parameters import caller_parameters

MOST_WAIT_S = 50.0


class StatementCalls:
    """Runs a caller's own text, and answers for its statements by their handles."""

    def __init__(self, deps: Deps, executor: Executor, runner: Runner, delivery: Delivery, tickets: Tickets) -> None:
        self._deps, self._executor = deps, executor
        self._runner, self._delivery, self._tickets = runner, delivery, tickets

    async def execute(
        self, principal: Principal, target: Target, wanted: inputs.ExecuteQuery, call: CallContext
    ) -> Envelope:
        """Return what became of the text, waiting for it as long as the call may."""
        wait_s = 0.0 if wanted.async_ else min(call.wait_s, MOST_WAIT_S)
        return await self._executor.execute(principal, target, _asked(wanted, call), wait_s)

    async def partition(self, principal: Principal, wanted: inputs.GetQueryPartition) -> Envelope:
        """Return one partition of a statement's rows; raises `not_found`, `invalid_request` for a number too high."""
        statement, here = await self.find(principal, wanted.statement_handle)
        return await self._delivery.partition(statement, wanted.partition, here.ways.any())

    async def status(self, principal: Principal, wanted: inputs.GetQueryStatus, call: CallContext) -> Envelope:
        """Return how a statement is doing, and its first rows once it succeeded; raises `not_found`."""
        handle = wanted.statement_handle
        statement, here = await self.find(principal, handle)
        if statement.state is StatementState.HELD and statement.approval_id and wanted.wait_s:
            await until_decided(self._deps, principal, statement.approval_id, wanted.wait_s)
            statement, here = await self.find(principal, handle)
        if statement.state is StatementState.APPROVED:
            await self._tickets.claimed(statement.id, min(call.wait_s, MOST_WAIT_S))
            statement, here = await self.find(principal, handle)
        if statement.state is StatementState.HELD:
            return await self._held(statement)
        if statement.state not in OVER and statement.state in FINAL:
            return answers.state_of(statement)
        return await collect(self._runner, self._delivery, statement, here.ways.any(), min(call.wait_s, MOST_WAIT_S))

    async def cancel(self, principal: Principal, handle: str) -> Envelope:
        """Cancel a statement as soon as it has a handle, or take back a held one; returns where it is now.

        Raises `not_found`.
        """
        statement, here = await self.find(principal, handle)
        if statement.state in (StatementState.HELD, StatementState.APPROVED):
            await self._deps.journal.write(lambda unit: withdraw(unit, statement.id, "caller"))
            statement, here = await self.find(principal, handle)
        if statement.state is StatementState.SUBMITTED:
            statement = await self._runner.cancel(statement, here.ways.any(), "caller")
        elif statement.state is StatementState.ADMITTED:
            self._runner.cancel_soon(statement, here.ways.any(), "caller")
        return answers.state_of(statement)

    async def _held(self, statement: Statement) -> Envelope:
        async def load(reader: Reader) -> Approval | None:
            return await reader.get(Approval, statement.approval_id)

        approval = await self._deps.journal.read(load)
        return answers.held(statement, approval, self._deps.base_url) if approval else answers.state_of(statement)

    async def find(self, principal: Principal, handle: str) -> tuple[Statement, Standing]:
        """Return this principal's statement by our handle or Snowflake's, and its standing; else `not_found`."""

        async def load(reader: Reader) -> tuple[Statement, str]:
            mine: dict[str, Any] = {
                "tenant_id": principal.tenant_id,
                "agent_id": principal.agent_id,
                "user_id": principal.user_id,
            }
            statement = await reader.get(Statement, handle, **mine)
            found = [statement] if statement else await reader.find(Statement, handle=handle, limit=1, **mine)
            connection = await reader.get(Connection, found[0].connection_id) if found else None
            if connection is None or found[0].system:
                hint = "Use the statementHandle exactly as it was given to you."
                raise SkipassError("not_found", "There is no such statement for this caller.", hint)
            return found[0], connection.name

        statement, name = await self._deps.journal.read(load)
        return statement, await standing(self._deps, principal, name=name)


def _asked(wanted: inputs.ExecuteQuery, call: CallContext) -> Asked:
    return Asked(
        text=wanted.statement,
        bindings=dict(wanted.bindings or {}),
        parameters=caller_parameters(wanted.parameters),
        tool="snowflake_execute_query",
        nullable=wanted.nullable,
        timeout_s=wanted.timeout,
        request_id=wanted.request_id or call.idempotency_key,
        role=wanted.role,
        warehouse=wanted.warehouse,
        database=wanted.database,
        schema=wanted.schema_,
    )
