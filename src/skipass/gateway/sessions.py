"""Access sessions: request, open, pick, extend, close, revoke. `expires_at` is set once, when a session opens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from skipass.access.policy import Finding, Ruling, budgets_from
from skipass.access.sessions import Answer, SessionDecision, decide
from skipass.access.sqlguard import canonical_scope
from skipass.errors import SkipassError
from skipass.gateway.alarm import may_break, raise_alarm
from skipass.gateway.deps import Deps
from skipass.gateway.holding import approval_for, ask, withdraw_all
from skipass.gateway.leave import stays_off
from skipass.gateway.moves import begin, move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rules import asking, still_in_force, tighter
from skipass.gateway.session_words import asked_for, current, refused, usable
from skipass.gateway.standing import Standing, standing
from skipass.gateway.succession import extendable, no_less, take_over
from skipass.ids import new_id
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection
from skipass.nouns.principal import Principal, Role
from skipass.nouns.scope import Scope
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState

ENDED = (SessionState.CLOSING, SessionState.CLOSED, SessionState.DENIED, SessionState.WITHDRAWN, SessionState.LAPSED)
MOST_WAIT_S = 50.0
LOOK_S = 0.25
_WITHDRAWS = frozenset({EndReason.RELEASED, EndReason.REVOKED, EndReason.ACCOUNT})


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What is asked for: a scope, `ttl_s` seconds, why, and lower budgets than the policy's if wanted.

    `break_glass` asks for it as an emergency: by the rules for that, told to everybody, and reviewed afterwards.
    """

    scope: Scope
    ttl_s: int
    reason: str
    budgets: Mapping[str, Any] | None = None
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for a session: `ttl_s` from when it is granted, why, and more scope or lower budgets if wanted."""

    ttl_s: int
    reason: str
    scope: Scope | None = None
    budgets: Mapping[str, Any] | None = None


class Sessions:
    """The use cases of access sessions."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def request(
        self, here: Standing, request: SessionRequest, before: AccessSession | None = None
    ) -> tuple[AccessSession, Approval | None]:
        """Return the session, open or waiting for a person with its approval; raises the refusal otherwise.

        `before` is the session that this one would take over from. Raises `invalid_scope`, `invalid_request`,
        `not_allowed` or `denied_by_policy` where policy denies, `no_approver`.
        """
        session, found, decision = self._decided(here, request)
        session = replace(session, predecessor_id=before.id if before else None)

        async def open_or_ask(unit: UnitOfWork) -> tuple[AccessSession, Approval | None]:
            if not await still_in_force(unit, session.tenant_id, here.rules.version_id):
                raise SkipassError("stale_decision", hint="Send it again.", retryable=True)
            facts = asked_for(session, decision.reasons) | here.rules.told(found)
            if session.break_glass:
                await may_break(unit, session, deciders=int(decision.answer is Answer.ASK))
            if decision.answer is Answer.OPEN:
                return await open_session(unit, await begin(unit, session, facts), "policy"), None
            life_s, who = asking(found, here.policy, confirm=decision.confirm)
            approval = await ask(unit, approval_for(session, here.agent, unit.now, life_s, **who))
            waiting = replace(session, approval_id=approval.id, decide_by=approval.expires_at)
            return await begin(unit, waiting, facts), approval

        return await self._deps.journal.write(open_or_ask)

    async def extend(
        self, principal: Principal, session_id: str, wish: Extension
    ) -> tuple[AccessSession, Approval | None]:
        """Return the successor asked for: a session of its own, for the same principal and role, with no less scope.

        When it opens it takes over what its predecessor still has at work or undelivered, and ends it. Raises as
        `request` does, `not_found`, `expired`, and `conflict` for a session that cannot be extended.
        """
        before = await self.of(principal, session_id)
        extendable(before, self._deps.journal.now())
        here = await standing(self._deps, principal, name=await self._connection_name(before))
        budgets, scope = wish.budgets, wish.scope or before.scope
        request = SessionRequest(scope, wish.ttl_s, wish.reason, budgets)
        no_less(before, request.scope, here.connection.role)
        return await self.request(here, request, before)

    async def _connection_name(self, session: AccessSession) -> str:
        async def load(reader: Reader) -> Connection | None:
            return await reader.get(Connection, session.connection_id)

        connection = await self._deps.journal.read(load)
        return connection.name if connection else ""

    def _decided(self, here: Standing, request: SessionRequest) -> tuple[AccessSession, Finding, SessionDecision]:
        session, found = self._draft(here, request, self._deps.journal.now())
        scope, glass = session.scope, session.break_glass
        decision = decide(scope, session.ttl_s, session.role, here.roles, here.policy, found, break_glass=glass)
        if decision.answer is Answer.DENY:
            raise refused(here, session, found, decision)
        return session, found, decision

    def _draft(self, standing: Standing, request: SessionRequest, now: datetime) -> tuple[AccessSession, Finding]:
        scope, connection = canonical_scope(request.scope), standing.connection
        if not request.ttl_s > 0 or not request.reason.strip():
            raise SkipassError("invalid_request", "ttl_s must be positive and reason must say why.")
        glass = request.break_glass
        found = standing.rules.session(scope, request.ttl_s, standing.policy, break_glass=glass)
        database, schema = current(scope, connection.database, connection.schema)
        left = budgets_from(request.budgets, tighter(standing.policy.budgets, found))
        session = AccessSession(
            id=new_id("session", now),
            tenant_id=connection.tenant_id,
            connection_id=connection.id,
            user_id=standing.user_id,
            agent_id=standing.agent.id,
            state=SessionState.REQUESTED,
            scope=scope,
            role=scope.role or connection.role,
            reason=request.reason.strip()[:1000],
            ttl_s=request.ttl_s,
            statements_left=left.statements,
            rows_left=left.rows,
            bytes_left=left.bytes,
            seconds_left=left.seconds,
            requested_at=now,
            last_call_at=now,
            warehouse=scope.warehouse or connection.warehouse,
            database=database,
            schema=schema,
            break_glass=glass,
        )
        return session, found

    async def pick(self, standing: Standing, session_id: str | None) -> AccessSession:
        """Return the open session a call belongs to.

        With an id: that one, if it is this principal's. Without: the only open one, or an automatic one where policy
        names it. Raises `not_found`, `expired`, `approval_required`, `session_ambiguous` with ids, `session_required`.
        """
        mine = [one for one in await self._mine(standing, session_id) if standing.takes_automatic or not one.automatic]
        now = self._deps.journal.now()
        if session_id is not None:
            return usable(mine[0] if mine else None, now)
        live = [s for s in mine if s.state is SessionState.OPEN and s.expires_at and s.expires_at > now]
        explicit = [s for s in live if not s.automatic] or live
        if len(explicit) > 1:
            ids = [s.id for s in explicit]
            raise SkipassError("session_ambiguous", hint="Send session_id.", details={"sessions": ids})
        return explicit[0] if explicit else await self._automatic(standing)

    async def _mine(self, standing: Standing, session_id: str | None) -> list[AccessSession]:
        where: dict[str, Any] = {"tenant_id": standing.connection.tenant_id, "connection_id": standing.connection.id}
        where |= {"user_id": standing.user_id, "agent_id": standing.agent.id}
        where |= {"id": session_id} if session_id else {}

        async def load(reader: Reader) -> list[AccessSession]:
            return await reader.find(AccessSession, descending=True, limit=200, **where)

        return await self._deps.journal.read(load)

    async def _automatic(self, standing: Standing) -> AccessSession:
        scope = standing.policy.automatic if standing.takes_automatic else None
        whose = {"agent_id": standing.agent.id, "user_id": standing.user_id, "connection_id": standing.connection.id}
        if scope is None or await self._deps.journal.read(lambda reader: stays_off(reader, **whose)):
            raise SkipassError("session_required", hint="Ask for a session first: skipass_request_session.")
        session, found = self._by_itself(standing, scope)
        if found.ruling not in (None, Ruling.ALLOW):
            rules = ", ".join(rule for rule, _ in found.reasons)
            message = f"The policy opens no session by itself here: {rules}."
            raise SkipassError("session_required", message, "Ask for a session first: skipass_request_session.")

        async def open_it(unit: UnitOfWork) -> AccessSession:
            facts = {"reason": session.reason, "scope": session.scope.as_dict(), "ttl_s": session.ttl_s}
            facts |= standing.rules.told(found)
            return await open_session(unit, await begin(unit, session, facts), "policy")

        return await self._deps.journal.write(open_it)

    def _by_itself(self, standing: Standing, scope: Scope) -> tuple[AccessSession, Finding]:
        now, why = self._deps.journal.now(), "automatic session of the connection's policy"
        session, found = self._draft(standing, SessionRequest(scope, standing.policy.unattended_ttl_s, why), now)
        ttl_s = min(session.ttl_s, found.obligations.longest_s or session.ttl_s)
        return replace(session, automatic=True, ttl_s=ttl_s), found

    async def of(self, principal: Principal, session_id: str) -> AccessSession:
        """Return a session that this caller may look at, or raise `not_found`."""

        async def load(reader: Reader) -> AccessSession | None:
            return await reader.get(AccessSession, session_id, tenant_id=principal.tenant_id)

        session = await self._deps.journal.read(load)
        if session is None or not may_see(principal, session.user_id, session.agent_id):
            raise SkipassError("not_found", "There is no such session for this caller.")
        return session

    async def wait(self, principal: Principal, session_id: str, wait_s: float) -> AccessSession:
        """Return a session once it is more than requested, or as it is after `wait_s` seconds, fifty at most.

        Changes nothing, so it may be repeated or left at any time. Raises `not_found`.
        """
        until = self._deps.clock.monotonic() + min(wait_s, MOST_WAIT_S)
        while True:
            session = await self.of(principal, session_id)
            left = until - self._deps.clock.monotonic()
            if session.state is not SessionState.REQUESTED or left <= 0:
                return session
            await asyncio.sleep(min(LOOK_S, left))

    async def list(
        self, principal: Principal, *, state: str | None, after: str | None, limit: int
    ) -> list[AccessSession]:
        """Return the caller's sessions, newest first; people with a role that looks at everything see the tenant's."""
        where: dict[str, Any] = {"tenant_id": principal.tenant_id}
        where |= {"state": SessionState(state)} if state else {}
        where |= {"id__lt": after} if after else {}
        if not sees_all(principal):
            where |= {"user_id": principal.user_id}
        if principal.agent_id:
            where |= {"agent_id": principal.agent_id}

        async def load(reader: Reader) -> list[AccessSession]:
            return await reader.find(AccessSession, descending=True, limit=limit, **where)

        return await self._deps.journal.read(load)

    async def end(self, session: AccessSession, reason: EndReason, by: str) -> AccessSession:
        """Start the end of a session: nothing is admitted after this commits. Returns the session as it now is."""

        async def close(unit: UnitOfWork) -> AccessSession:
            current = await unit.get(AccessSession, session.id)
            if current is None or current.state in ENDED:
                return current or session
            if current.state is SessionState.REQUESTED:
                return await withdraw_request(unit, current, by)
            await unit.next_revocation()
            if reason in _WITHDRAWS:
                await withdraw_all(unit, current, reason.value)
            return await move(
                unit, current, SessionState.CLOSING, {"reason": reason.value, "by": by}, end_reason=reason
            )

        return await self._deps.journal.write(close)

    async def finish(self, session: AccessSession) -> AccessSession:
        """Close a closing session once everything in it is final or will not say; otherwise leave it closing."""

        async def close(unit: UnitOfWork) -> AccessSession:
            current = await unit.get(AccessSession, session.id)
            if current is None or current.state is not SessionState.CLOSING or await _at_work(unit, session.id):
                return current or session
            return await move(unit, current, SessionState.CLOSED, closed_at=unit.now)

        return await self._deps.journal.write(close)

    async def statements(self, session: AccessSession) -> Sequence[tuple[Statement, str]]:
        """Return a session's statements in order, each with its original text."""

        async def load(reader: Reader) -> list[Statement]:
            return await reader.find(Statement, session_id=session.id, tenant_id=session.tenant_id)

        texts = await self._deps.texts(session.tenant_id)
        found = await self._deps.journal.read(load)
        return [(s, texts.unseal(s.original_sealed, s.id, "original").decode()) for s in found]


async def open_session(unit: UnitOfWork, session: AccessSession, by: str) -> AccessSession:
    """Open a requested session now; an explicit one ends the automatic one of the same agent, user and connection.

    A successor takes over from its predecessor in the same transaction.
    """
    expires_at = unit.now + timedelta(seconds=session.ttl_s)
    if not session.automatic:
        await _end_automatic(unit, session)
    if session.predecessor_id:
        await take_over(unit, session)
    if session.break_glass:
        await raise_alarm(unit, session)
    facts = {"expires_at": expires_at.isoformat(), "by": by}
    times = {"opened_at": unit.now, "expires_at": expires_at, "last_call_at": unit.now}
    return await move(unit, session, SessionState.OPEN, facts, **times)


async def _end_automatic(unit: UnitOfWork, session: AccessSession) -> None:
    same: dict[str, Any] = {
        "connection_id": session.connection_id,
        "user_id": session.user_id,
        "agent_id": session.agent_id,
    }
    for other in await unit.find(AccessSession, state=SessionState.OPEN, automatic=True, **same):
        await unit.next_revocation()
        await withdraw_all(unit, other, EndReason.RELEASED.value)
        facts = {"reason": EndReason.RELEASED.value, "by": "explicit session"}
        await move(unit, other, SessionState.CLOSING, facts, end_reason=EndReason.RELEASED)


async def withdraw_request(unit: UnitOfWork, session: AccessSession, by: str) -> AccessSession:
    """Take back a requested session and the question about it."""
    for approval in await unit.find(Approval, subject_id=session.id, state=ApprovalState.WAITING):
        await move(unit, approval, ApprovalState.WITHDRAWN, {"by": by}, decided_at=unit.now)
    return await move(unit, session, SessionState.WITHDRAWN, {"by": by}, closed_at=unit.now)


async def _at_work(unit: UnitOfWork, session_id: str) -> bool:
    states = (StatementState.ADMITTED, StatementState.SUBMITTED, StatementState.CANCELLING, StatementState.UNKNOWN)
    found = await unit.find(Statement, session_id=session_id, state=states, ticket=False, cancel_unconfirmed=False)
    return bool(found)


def sees_all(principal: Principal) -> bool:
    """Whether this person may look at everybody's sessions and statements."""
    return principal.is_person and bool({Role.ADMIN, Role.APPROVER, Role.AUDITOR} & principal.roles)


def may_see(principal: Principal, user_id: str, agent_id: str | None) -> bool:
    """Whether the caller is the principal of a thing, the user acted for, or a person who may see all."""
    if principal.is_person:
        return sees_all(principal) or principal.user_id == user_id
    return principal.agent_id == agent_id and principal.user_id == user_id
