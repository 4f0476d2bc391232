"""Holding: what people must decide first, a session or a statement, and who could."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from skipass.access.approvals import ineligible
from skipass.errors import SkipassError
from skipass.gateway.memberships import groups_of
from skipass.gateway.moves import begin, move
from skipass.gateway.outbox import announce
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.touches import touched_lately
from skipass.ids import digest, new_id
from skipass.nouns.approval import Approval, ApprovalState, Subject
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState

_WAITING = (StatementState.HELD, StatementState.APPROVED)


def approval_for(
    subject: AccessSession | Statement,
    agent: Agent,
    now: datetime,
    life_s: int,
    *,
    quorum: int = 1,
    deciders: Sequence[str] = (),
    confirm: bool = False,
) -> Approval:
    """Return a fresh approval bound to exactly this session request or this intent.

    `deciders` narrows who may decide, by people's names, `role:…` and `group:…`; with `confirm` the user acted for
    does, alone.
    """
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
        quorum=1 if confirm else quorum,
        deciders=tuple(deciders),
        confirm=confirm,
    )


def session_hash(session: AccessSession) -> str:
    """Return what the approval of a session is bound to: everything it would allow."""
    facts = [session.id, session.connection_id, session.user_id, session.agent_id or "", session.role]
    facts += [session.warehouse or "", str(session.ttl_s), repr(session.scope.as_dict())]
    facts += ["break glass"] if session.break_glass else []
    return digest(b"session/1", *(fact.encode() for fact in facts))


async def ask(unit: UnitOfWork, approval: Approval) -> Approval:
    """Put the question to people, with the notices that tell them.

    Raises `no_approver` when fewer than the quorum could ever decide: nothing is held for ever.
    """
    able = await eligible(unit, approval)
    if len(able) < approval.quorum:
        asked = "the user acted for" if approval.confirm else f"{approval.quorum} of them"
        hint = f"It takes {asked}; an admin adds people: skipass user create NAME --role approver."
        raise SkipassError("no_approver", f"{len(able)} eligible people could decide.", hint)
    facts: dict[str, Any] = {
        "about": approval.subject.value,
        "about_id": approval.subject_id,
        "intent_hash": approval.intent_hash,
    }
    facts |= {"quorum": approval.quorum, "deciders": approval.deciders, "confirm": approval.confirm}
    await announce(unit, approval)
    return await begin(unit, approval, facts)


async def eligible(reader: Reader, approval: Approval) -> list[User]:
    """Return everybody who may decide an approval now."""
    people = await reader.find(User, tenant_id=approval.tenant_id, state=Life.ACTIVE, end_user_of=None)
    return [person for person in people if await why_not(reader, person, approval) is None]


async def why_not(reader: Reader, person: User, approval: Approval) -> str | None:
    """Return why a person may not decide an approval, or None; looks at who touched the person's identity lately."""
    groups = await groups_of(reader, person.id)
    return ineligible(person, approval, reader.now, await touched_lately(reader, person), groups)


async def withdraw(unit: UnitOfWork, statement_id: str, why: str) -> None:
    """Take back one statement that is held or approved, and what was asked about it; any other stays as it is."""
    for statement in await unit.find(Statement, id=statement_id, state=_WAITING, limit=1):
        await move(unit, statement, StatementState.WITHDRAWN, {"why": why}, finished_at=unit.now)
        for approval in await unit.find(Approval, subject_id=statement_id, state=ApprovalState.WAITING):
            await move(unit, approval, ApprovalState.WITHDRAWN, {"why": why}, decided_at=unit.now)


async def withdraw_all(unit: UnitOfWork, session: AccessSession, why: str) -> None:
    """Take back every held or approved statement of a session, and what was asked about them."""
    for statement in await unit.find(Statement, session_id=session.id, state=_WAITING):
        await move(unit, statement, StatementState.WITHDRAWN, {"why": why}, finished_at=unit.now)
    for approval in await unit.find(Approval, session_id=session.id, state=ApprovalState.WAITING):
        await move(unit, approval, ApprovalState.WITHDRAWN, {"why": why}, decided_at=unit.now)
