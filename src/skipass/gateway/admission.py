"""Admission: the only gate. One transaction inserts the intent, debits the budget, and checks everything again."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from skipass.access.policy import Finding, pinned_timeout
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.holding import approval_for, ask
from skipass.gateway.moves import begin, move
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.relay_judging import RelayedCall
from skipass.gateway.rules import NOTHING, asking, still_in_force, timed
from skipass.gateway.slug_access import still_let_in
from skipass.gateway.standing import Standing
from skipass.gateway.succession import lineage
from skipass.nouns.approval import Approval
from skipass.nouns.session import AccessSession, Budgets
from skipass.nouns.statement import Intent, Statement, StatementState
from skipass.nouns.verdict import StatementKind, Verdict
from skipass.vault.seal import TextKey

UNDELIVERED = timedelta(minutes=10)
NO_SESSION = "none"
_NOTHING_TOLD: Mapping[str, Any] = MappingProxyType({})
_PENDING = (StatementState.HELD, StatementState.APPROVED)
_AT_WORK = (StatementState.ADMITTED, StatementState.SUBMITTED, StatementState.CANCELLING, StatementState.UNKNOWN)
_DONE = (StatementState.SUCCEEDED, StatementState.FAILED, StatementState.CANCELLED, StatementState.NOT_FOUND)


class StaleDecision(Exception):
    """Something the decision was made under is different now; start again from the caller's standing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as the surface understood it: the text, how it is to be sent, and the caller's own request id.

    `call` is that of a relayed tool.
    """

    text: str
    bindings: dict[str, Any]
    parameters: dict[str, Any]
    tool: str
    nullable: bool = True
    timeout_s: int | None = None
    request_id: str | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    call: RelayedCall | None = None


def intent_of(asked: Asked, text: str, session: AccessSession) -> Intent:
    """Return exactly what would be sent for `text` in this session."""
    return Intent(
        text=text,
        bindings=asked.bindings,
        role=session.role,
        warehouse=asked.warehouse or session.warehouse,
        database=asked.database or session.database,
        schema=asked.schema or session.schema,
        parameters=asked.parameters,
        nullable=asked.nullable,
        call=asked.call.bound if asked.call else None,
    )


def draft(
    statement_id: str, asked: Asked, standing: Standing, session: AccessSession | None, texts: TextKey, now: datetime
) -> Statement:
    """Return the row of a statement before anything is decided about it."""
    return Statement(
        id=statement_id,
        tenant_id=standing.connection.tenant_id,
        session_id=session.id if session else NO_SESSION,
        connection_id=standing.connection.id,
        user_id=standing.user_id,
        agent_id=standing.agent.id,
        tool=asked.tool,
        state=StatementState.REFUSED,
        kind=StatementKind.UNPARSEABLE,
        original_sealed=texts.seal(asked.text.encode("utf-8", "surrogatepass"), statement_id, "original"),
        intent_sealed=None,
        intent_hash="",
        reads=(),
        writes=(),
        reasons=(),
        created_at=now,
        caller_request_id=asked.request_id,
        server_id=asked.call.server.id if asked.call else None,
    )


def judged(statement: Statement, verdict: Verdict) -> Statement:
    """Return the statement with what the guard said of it."""
    reasons = tuple({"code": r.code, "piece": r.piece, "message": r.message} for r in verdict.reasons)
    return replace(statement, kind=verdict.kind, reads=verdict.reads, writes=verdict.writes, reasons=reasons)


def bound(statement: Statement, intent: Intent, session: AccessSession, texts: TextKey) -> Statement:
    """Return the statement bound to exactly this intent in this session."""
    sealed = texts.seal(intent.canonical(), statement.id, "intent")
    return replace(statement, intent_sealed=sealed, intent_hash=intent.hash(session.id))


def facts(statement: Statement) -> dict[str, Any]:
    """Return what the first event of a statement says of it; texts only as ciphertext."""
    return {
        "kind": statement.kind.value,
        "tool": statement.tool,
        "connection_id": statement.connection_id,
        "agent_id": statement.agent_id,
        "user_id": statement.user_id,
        "reads": statement.reads,
        "writes": statement.writes,
        "reasons": statement.reasons,
        "intent_hash": statement.intent_hash,
        "original": base64.b64encode(statement.original_sealed).decode(),
        "intent": base64.b64encode(statement.intent_sealed).decode() if statement.intent_sealed else None,
    }


class Admission:
    """Admits, holds or refuses statements; each is one transaction."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def refuse(self, statement: Statement, code: str, told: Mapping[str, Any] = _NOTHING_TOLD) -> None:
        """Record a refusal, and what the rules said; nothing was sent."""
        body = facts(statement) | {"code": code, **told}
        refused = replace(statement, state=StatementState.REFUSED, error_code=code)

        async def record(unit: UnitOfWork) -> None:
            await begin(unit, replace(refused, finished_at=unit.now), body)

        await self._deps.journal.write(record)

    async def admit(
        self,
        statement: Statement,
        intent: Intent,
        standing: Standing,
        session: AccessSession,
        wanted_s: int | None,
        found: Finding = NOTHING,
    ) -> Statement:
        """Return the admitted statement, or the earlier one that this call repeats.

        Raises `StaleDecision`, `budget_exceeded`, `idempotency_conflict`. A commit that came too late for its caller is
        followed by `not_sent`.
        """

        async def gate(unit: UnitOfWork) -> Statement:
            twin = await _twin(unit, statement, intent, session)
            if twin is not None:
                return twin
            timeout_s = await _reserve(unit, standing, session, wanted_s, found)
            owned = replace(
                statement, state=StatementState.ADMITTED, owner_boot=self._deps.journal.boot_id, timeout_s=timeout_s
            )
            told = {"timeout_s": timeout_s, **standing.rules.told(found)}
            return await begin(unit, owned, facts(owned) | told)

        async def undo(unit: UnitOfWork, admitted: Statement) -> None:
            if admitted.id == statement.id:
                await move(unit, admitted, StatementState.NOT_SENT, {"why": "late"}, finished_at=unit.now)

        return await self._deps.journal.write(gate, late=undo)

    async def hold(
        self,
        statement: Statement,
        intent: Intent,
        standing: Standing,
        session: AccessSession,
        found: Finding = NOTHING,
        *,
        confirm: bool = False,
    ) -> tuple[Statement, Approval]:
        """Hold a statement for people, or with `confirm` for the user acted for alone.

        Identical held calls share one approval. Raises `no_approver`.
        """

        async def keep(unit: UnitOfWork) -> tuple[Statement, Approval | None]:
            twin = await _twin(unit, statement, intent, session)
            if twin is not None:
                return twin, await unit.get(Approval, twin.approval_id)
            await _gate(unit, standing, session, Budgets(0, 0, 0, 0))
            life_s, who = asking(found, standing.policy, confirm=confirm)
            approval = await ask(unit, approval_for(statement, standing.agent, unit.now, life_s, **who))
            held = replace(statement, state=StatementState.HELD, ticket=True, approval_id=approval.id)
            told = {"approval_id": approval.id, **standing.rules.told(found)}
            return await begin(unit, held, facts(held) | told), approval

        held, approval = await self._deps.journal.write(keep)
        if approval is None:
            raise StaleDecision
        return held, approval


async def _gate(unit: UnitOfWork, standing: Standing, session: AccessSession, reserve: Budgets) -> None:
    """Reserve, or raise `StaleDecision` unless everything the decision was made under still holds."""
    same_rules = await still_in_force(unit, session.tenant_id, standing.rules.version_id)
    let_in = await still_let_in(unit, standing.agent, session.connection_id, standing.server)
    if not same_rules or not let_in or not await unit.admit(session.id, standing.versions(session), reserve, unit.now):
        raise StaleDecision


async def _reserve(
    unit: UnitOfWork, standing: Standing, session: AccessSession, wanted_s: int | None, found: Finding
) -> int:
    current = await unit.get(AccessSession, session.id)
    if current is None or current.expires_at is None or current.expires_at <= unit.now:
        raise StaleDecision
    if current.statements_left < 1:
        raise SkipassError("budget_exceeded", "The session's statements are used up.", "Ask for a new session.")
    if current.seconds_left < 1:
        # A running statement has its whole timeout reserved; what it does not use comes back.
        message = "The session's seconds are used up, or reserved by statements that still run."
        raise SkipassError("budget_exceeded", message, "Wait for those, or ask for a new session.", retryable=True)
    limits = timed(standing.policy, found)
    timeout_s = pinned_timeout(limits, wanted_s, current.expires_at - unit.now, current.seconds_left)
    reserve = Budgets(statements=1, rows=0, bytes=0, seconds=timeout_s)
    await _gate(unit, standing, session, reserve)
    return timeout_s


async def _twin(unit: UnitOfWork, statement: Statement, intent: Intent, session: AccessSession) -> Statement | None:
    """Return the earlier statement that this call only repeats: same request id, or same intent not yet delivered.

    What the session took over from those it follows counts as its own.
    """
    alike = tuple(intent.hash(one) for one in await lineage(unit, session))
    if statement.caller_request_id:
        same_id: dict[str, Any] = {"session_id": statement.session_id, "caller_request_id": statement.caller_request_id}
        for earlier in await unit.find(Statement, state__ne=StatementState.REFUSED, limit=1, **same_id):
            if earlier.intent_hash not in alike:
                hint = "Use a fresh request_id for another statement."
                raise SkipassError("idempotency_conflict", hint=hint)
            return earlier
    same: dict[str, Any] = {"session_id": statement.session_id, "intent_hash": alike}
    for earlier in await unit.find(Statement, order="id", descending=True, limit=20, **same):
        if _repeats(earlier, unit.now):
            return earlier
    return None


def _repeats(earlier: Statement, now: datetime) -> bool:
    if earlier.state in (*_PENDING, *_AT_WORK):
        return True
    fresh = earlier.finished_at is not None and now - earlier.finished_at < UNDELIVERED
    return earlier.state in _DONE and earlier.delivered_at is None and fresh
