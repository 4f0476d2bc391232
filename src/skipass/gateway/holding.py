"""Holding: what people must decide first, a session or a statement, and who could."""

from __future__ import annotations

from datetime import datetime, timedelta

from skipass.access.approvals import ineligible
from skipass.errors import SkipassError
from skipass.gateway.moves import begin, move
from skipass.gateway.ports import UnitOfWork
from skipass.ids import digest, new_id
from skipass.nouns.approval import Approval, ApprovalState, Subject
from skipass.nouns.people import Agent, User
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState


def approval_for(subject: AccessSession | Statement, agent: Agent, now: datetime, life_s: int) -> Approval:
    """Return a fresh approval bound to exactly this session request or this intent."""
    is_session = isinstance(subject, AccessSession)
    bound = session_hash(subject) if isinstance(subject, AccessSession) else subject.intent_hash
    return Approval(
        id=new_id("approval", now),
        tenant_id=subject.tenant_id,
        subject=Subject.SESSION if is_session else Subject.STATEMENT,
        subject_id=subject.id,
        session_id=subject.id if isinstance(subject, AccessSession) else subject.session_id,
        intent_hash=bound,
        state=ApprovalState.WAITING,
        requester_id=subject.user_id,
        owner_id=agent.owner_id,
        agent_id=agent.id,
        created_at=now,
        expires_at=now + timedelta(seconds=life_s),
    )


def session_hash(session: AccessSession) -> str:
    """Return what the approval of a session is bound to: everything it would allow."""
    facts = [session.id, session.connection_id, session.user_id, session.agent_id or "", session.role]
    facts += [session.warehouse or "", str(session.ttl_s), repr(session.scope.as_dict())]
    return digest(b"session/1", *(fact.encode() for fact in facts))


async def ask(unit: UnitOfWork, approval: Approval) -> Approval:
    """Put the question to people, or raise `no_approver` when nobody eligible exists: nothing is held for ever."""
    people = await unit.find(User, tenant_id=approval.tenant_id)
    if not any(ineligible(person, approval, unit.now) is None for person in people):
        hint = "An admin adds one: skipass user create NAME --role approver."
        raise SkipassError("no_approver", hint=hint)
    facts = {"about": approval.subject.value, "about_id": approval.subject_id, "intent_hash": approval.intent_hash}
    return await begin(unit, approval, facts)


async def withdraw_all(unit: UnitOfWork, session: AccessSession, why: str) -> None:
    """Take back every held or approved statement of a session, and what was asked about them."""
    waiting = (StatementState.HELD, StatementState.APPROVED)
    for statement in await unit.find(Statement, session_id=session.id, state=waiting):
        await move(unit, statement, StatementState.WITHDRAWN, {"why": why}, finished_at=unit.now)
    for approval in await unit.find(Approval, session_id=session.id, state=ApprovalState.WAITING):
        await move(unit, approval, ApprovalState.WITHDRAWN, {"why": why}, decided_at=unit.now)
