"""Approvals: people decide, once each; the last needed word opens the session or runs the statement, once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from skipass.access.approvals import enough
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.crashpoints import reached
from skipass.gateway.deps import Deps
from skipass.gateway.holding import why_not
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.sessions import LOOK_S, MOST_WAIT_S, may_see, open_session, sees_all
from skipass.gateway.signins import consume
from skipass.gateway.tickets import Tickets
from skipass.gateway.views import card_url
from skipass.ids import new_id
from skipass.nouns.approval import Approval, ApprovalState, Decision, Subject
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState


@dataclass(frozen=True, slots=True)
class Card:
    """Everything an approver decides on: the approval, its subject, the exact text, who asks, who decided."""

    approval: Approval
    session: AccessSession | None
    statement: Statement | None
    text: str | None
    bindings: dict[str, Any] | None
    decisions: Sequence[Decision]
    agent: Agent | None
    requester: User | None


@dataclass(frozen=True, slots=True)
class Word:
    """What one person says, by which credential, and which intent the card showed them."""

    principal: Principal
    user_id: str
    approve: bool
    reason: str
    intent_hash: str | None


def shown_to(principal: Principal) -> dict[str, Any]:
    """Return what narrows approvals to those that this caller may see."""
    where: dict[str, Any] = {"tenant_id": principal.tenant_id}
    where |= {} if sees_all(principal) else {"requester_id": principal.user_id}
    return where | ({"agent_id": principal.agent_id} if principal.agent_id else {})


class Approvals:
    """The use cases of approvals."""

    def __init__(self, deps: Deps, tickets: Tickets) -> None:
        self._deps, self._tickets = deps, tickets

    async def list(self, principal: Principal, *, state: str | None, after: str | None, limit: int) -> list[Approval]:
        """Return approvals this caller may see, newest first."""
        where = shown_to(principal)
        where |= {"state": ApprovalState(state)} if state else {}
        where |= {"id__lt": after} if after else {}

        async def load(reader: Reader) -> list[Approval]:
            return await reader.find(Approval, descending=True, limit=limit, **where)

        return await self._deps.journal.read(load)

    async def show(self, principal: Principal, approval_id: str) -> Card:
        """Return the card of one approval; raises `not_found` for anybody who may not see it."""

        async def load(reader: Reader) -> Card:
            approval = await _seen(reader, principal, approval_id)
            session = await reader.get(AccessSession, approval.session_id)
            statement = (
                await reader.get(Statement, approval.subject_id) if approval.subject is Subject.STATEMENT else None
            )
            decisions = await reader.find(Decision, approval_id=approval_id)
            agent = await reader.get(Agent, approval.agent_id)
            requester = await reader.get(User, approval.requester_id)
            return Card(approval, session, statement, None, None, decisions, agent, requester)

        card = await self._deps.journal.read(load)
        if card.statement is None or card.statement.intent_sealed is None:
            return card
        intent = await self._tickets.intent(card.statement)
        return replace(card, text=intent.text, bindings=dict(intent.bindings))

    async def wait(self, principal: Principal, approval_id: str, wait_s: float) -> Approval:
        """Return the approval as soon as it no longer waits, or as it is after `wait_s` seconds, fifty at most.

        Changes nothing, so it may be repeated or left at any time. Raises `not_found`.
        """
        return await until_decided(self._deps, principal, approval_id, wait_s)

    async def decide(
        self, principal: Principal, approval_id: str, *, approve: bool, reason: str, intent_hash: str | None = None
    ) -> Approval:
        """Record one person's decision and, when it was the last needed, what follows from it.

        `intent_hash` is that of the card the person saw. Raises `sign_in_required` without a credential that may
        decide, `not_eligible`, `not_found`, or `conflict` when the approval is decided, ended or of another intent, or
        this person has decided already.
        """
        if not principal.is_person or principal.user_id is None:
            raise SkipassError("forbidden", "Agents never decide.", "A person decides, with their own sign-in.")
        if not principal.sandbox_decider and principal.sign_in_id is None:
            url = card_url(self._deps.base_url, approval_id)
            how = "" if self._deps.provider else ", with a new one-time link: skipass user link NAME"
            hint = f"Open {url} in a browser{how}."
            raise SkipassError("sign_in_required", "Deciding takes a fresh sign-in.", hint, details={"url": url})
        word = Word(principal, principal.user_id, approve, reason[:1000], intent_hash)

        async def record(unit: UnitOfWork) -> Approval:
            return await _record(unit, word, approval_id)

        decided = await self._deps.journal.write(record)
        reached("decision_recorded")
        if decided.state is ApprovalState.APPROVED and decided.subject is Subject.STATEMENT:
            self._tickets.run_soon(decided.subject_id)
        return decided


async def until_decided(deps: Deps, principal: Principal, approval_id: str, wait_s: float) -> Approval:
    """Return the approval as soon as it no longer waits, or as it is after `wait_s` seconds, fifty at most."""
    until = deps.clock.monotonic() + min(wait_s, MOST_WAIT_S)
    while True:
        approval = await deps.journal.read(lambda reader: _seen(reader, principal, approval_id))
        left = until - deps.clock.monotonic()
        if approval.state is not ApprovalState.WAITING or left <= 0:
            return approval
        await asyncio.sleep(min(LOOK_S, left))


async def _seen(reader: Reader, principal: Principal, approval_id: str) -> Approval:
    approval = await reader.get(Approval, approval_id, tenant_id=principal.tenant_id)
    if approval is None or not may_see(principal, approval.requester_id, approval.agent_id):
        raise SkipassError("not_found", "There is no such approval for this caller.")
    return approval


async def _record(unit: UnitOfWork, word: Word, approval_id: str) -> Approval:
    principal = word.principal
    approval = await unit.get(Approval, approval_id, tenant_id=principal.tenant_id)
    person = await unit.get(User, word.user_id, tenant_id=principal.tenant_id)
    if approval is None or person is None:
        raise SkipassError("not_found", "There is no such approval.")
    why = await why_not(unit, person, approval)
    if why:
        raise SkipassError("not_eligible", f"{person.name} may not decide: {why}.", "Ask somebody else.")
    await _still_open(unit, approval, word)
    decision = Decision(
        new_id("request", unit.now), approval.tenant_id, approval.id, person.id, word.approve, word.reason, unit.now
    )
    facts = {"user_id": person.id, "approved": word.approve, "reason": word.reason, "intent_hash": approval.intent_hash}
    facts |= {"as": "confirmation" if approval.confirm else "approval", "credential": principal.credential_id}
    if principal.sign_in_id is not None:
        sign_in = await consume(unit, principal.sign_in_id)
        facts |= {"signed_in_at": (sign_in.proved_at or sign_in.created_at).isoformat(), "link_by": sign_in.made_by}
    await unit.insert(decision)
    unit.emit(Event(approval.tenant_id, "approval.decided", approval.id, facts, approval.session_id))
    verdict = enough(approval, await unit.find(Decision, approval_id=approval.id))
    return approval if verdict is None else await _conclude(unit, approval, verdict)


async def _still_open(unit: UnitOfWork, approval: Approval, word: Word) -> None:
    if approval.state is not ApprovalState.WAITING or approval.expires_at <= unit.now:
        ended = approval.state.value if approval.state is not ApprovalState.WAITING else ApprovalState.LAPSED.value
        raise SkipassError("conflict", f"The approval is {ended} already.", "Nothing was changed.")
    if word.intent_hash is not None and word.intent_hash != approval.intent_hash:
        raise SkipassError("conflict", "The card shown was of another text.", "Look at it again; nothing was changed.")
    if await unit.find(Decision, approval_id=approval.id, user_id=word.user_id, limit=1):
        raise SkipassError("conflict", "This person has decided already.", "It takes another person.")


async def _conclude(unit: UnitOfWork, approval: Approval, agreed: bool) -> Approval:
    to = ApprovalState.APPROVED if agreed else ApprovalState.DENIED
    decided = await move(unit, approval, to, {"intent_hash": approval.intent_hash}, decided_at=unit.now)
    if approval.subject is Subject.SESSION:
        await _session(unit, approval, agreed)
    else:
        await _statement(unit, approval, agreed)
    return decided


async def _session(unit: UnitOfWork, approval: Approval, agreed: bool) -> None:
    session = await unit.get(AccessSession, approval.subject_id)
    if session is None or session.state is not SessionState.REQUESTED:
        raise SkipassError("conflict", "The session is not waiting any more.")
    if agreed:
        await open_session(unit, session, approval.id)
    else:
        await move(unit, session, SessionState.DENIED, {"by": approval.id}, closed_at=unit.now)


async def _statement(unit: UnitOfWork, approval: Approval, agreed: bool) -> None:
    statement = await unit.get(Statement, approval.subject_id)
    if statement is None or statement.state is not StatementState.HELD or statement.intent_hash != approval.intent_hash:
        raise SkipassError("conflict", "The statement is not waiting any more, or is another one than was asked about.")
    if agreed:
        await move(unit, statement, StatementState.APPROVED, {"by": approval.id})
    else:
        await move(unit, statement, StatementState.DENIED, {"by": approval.id}, finished_at=unit.now)
