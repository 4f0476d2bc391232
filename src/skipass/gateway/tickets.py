"""Tickets: an approved statement runs once, exactly as it was approved, by whichever process claims it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from skipass.access.policy import Ruling, policy_from
from skipass.errors import SkipassError
from skipass.gateway.crashpoints import reached
from skipass.gateway.deps import Deps
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.relay_judging import judged as judged_call
from skipass.gateway.relay_tickets import call_again
from skipass.gateway.rules import found_now, timed
from skipass.gateway.running import Runner
from skipass.gateway.succession import lineage
from skipass.gateway.way_out import Out, ways_out
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection, Switch
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Intent, Statement, StatementState, intent_from
from skipass.nouns.verdict import Outcome, Verdict

_log = structlog.get_logger("skipass.tickets")


class Tickets:
    """Claims and runs approved statements."""

    def __init__(self, deps: Deps, runner: Runner) -> None:
        self._deps, self._runner = deps, runner
        self._claims: dict[str, asyncio.Task[None]] = {}

    async def intent(self, statement: Statement) -> Intent:
        """Return the exact intent of a statement, unsealed."""
        texts = await self._deps.texts(statement.tenant_id)
        return intent_from(texts.unseal(statement.intent_sealed or b"", statement.id, "intent"))

    def run_soon(self, statement_id: str) -> None:
        """Claim and run a ticket without making the approver wait."""
        self._claiming(statement_id)

    async def claimed(self, statement_id: str, wait_s: float) -> None:
        """Return once this process has tried to claim the ticket, or after `wait_s` seconds."""
        await asyncio.wait({self._claiming(statement_id)}, timeout=wait_s)

    async def stop(self) -> None:
        """Claim nothing more; what was not claimed is left to whoever comes next."""
        claims = list(self._claims.values())
        for claim in claims:
            claim.cancel()
        await asyncio.gather(*claims, return_exceptions=True)

    def _claiming(self, statement_id: str) -> asyncio.Task[None]:
        task = self._claims.get(statement_id)
        if task is None:
            task = asyncio.create_task(self.run(statement_id), name=f"claim {statement_id}")
            self._claims[statement_id] = task
            task.add_done_callback(lambda _: self._claims.pop(statement_id, None))
        return task

    async def run(self, statement_id: str) -> None:
        """Claim one approved statement and start it; does nothing if it is claimed, lapsed or withdrawn."""

        async def load(reader: Reader) -> tuple[Statement | None, AccessSession | None]:
            statement = await reader.get(Statement, statement_id)
            return statement, await reader.get(AccessSession, statement.session_id) if statement else None

        try:
            statement, session = await self._deps.journal.read(load)
            if statement is None or session is None or statement.state is not StatementState.APPROVED:
                return
            intent = await self.intent(statement)
            verdict = await self._judged(intent, session, statement_id)
            epoch = await self._runner.epoch.value()
            claimed, out = await self._claim(statement, intent, verdict)
        except SkipassError as error:
            _log.warning("ticket.not_claimed", statement=statement_id, code=error.code)
            if error.code == "withdrawn" and statement is not None:
                await self._withdraw(statement, error.message)
            return
        reached("intent_recorded")
        self._runner.start(claimed, intent, out, epoch)

    async def _judged(self, intent: Intent, session: AccessSession, statement_id: str) -> Verdict:
        scope = replace(session.scope, role=session.role, warehouse=intent.warehouse)
        if intent.call is not None:
            call = await self._deps.journal.read(lambda reader: call_again(reader, intent))
            return await judged_call(self._deps.guard, scope, call, statement_id)
        return await self._deps.guard.check(intent.text, scope, database=intent.database, schema=intent.schema)

    async def _claim(self, statement: Statement, intent: Intent, verdict: Verdict) -> tuple[Statement, Out]:
        """Admit the ticket: approved, unclaimed, within its approval's life, allowed by the rules, everybody active."""

        async def claim(unit: UnitOfWork) -> tuple[Statement, Out]:
            current = await unit.get(Statement, statement.id, state=StatementState.APPROVED)
            approval = await unit.get(Approval, statement.approval_id)
            if current is None or approval is None or approval.expires_at <= unit.now:
                raise SkipassError("lapsed", "The ticket is claimed or has lapsed.")
            session = await unit.get(AccessSession, current.session_id)
            bound = [intent.hash(one) for one in await lineage(unit, session)]
            if approval.intent_hash not in bound or approval.state is not ApprovalState.APPROVED:
                raise SkipassError("withdrawn", "What would run is not what was approved.")
            out = await _out(unit, current, intent.role, approval.expires_at)
            found = await found_now(self._deps, unit, current, verdict)
            if verdict.outcome is Outcome.DENY or found.ruling is Ruling.DENY:
                raise SkipassError("withdrawn", "The policy denies it now.")
            most = timed(policy_from(out.connection.policy), found).statement_timeout_s
            timeout_s = max(1, min(most, -int(-(approval.expires_at - unit.now) // timedelta(seconds=1))))
            changes = {"owner_boot": self._deps.journal.boot_id, "timeout_s": timeout_s}
            return await move(unit, current, StatementState.ADMITTED, changes | {"ticket": approval.id}, **changes), out

        async def undo(unit: UnitOfWork, result: tuple[Statement, Out]) -> None:
            await move(unit, result[0], StatementState.NOT_SENT, {"why": "late"}, finished_at=unit.now)

        return await self._deps.journal.write(claim, late=undo)

    async def _withdraw(self, statement: Statement, why: str) -> None:
        async def withdraw(unit: UnitOfWork) -> None:
            current = await unit.get(Statement, statement.id, state=StatementState.APPROVED)
            if current is not None:
                await move(unit, current, StatementState.WITHDRAWN, {"why": why}, finished_at=unit.now)

        await self._deps.journal.write(withdraw)


async def _out(unit: Reader, statement: Statement, role: str, until: datetime) -> Out:
    connection = await unit.get(Connection, statement.connection_id, state=Switch.ENABLED)
    agent = await unit.get(Agent, statement.agent_id, state=Life.ACTIVE)
    user = await unit.get(User, statement.user_id, state=Life.ACTIVE)
    if connection is None or agent is None or user is None:
        raise SkipassError("withdrawn", "The agent, the user or the connection is disabled.")
    ways = await ways_out(unit, tenant_id=statement.tenant_id, connection=connection, user_id=user.id)
    try:
        return ways.by(role, until)
    except SkipassError as gone:
        raise SkipassError("withdrawn", gone.message) from None
