"""The alarm: a session that opens by breaking the glass is announced, and owes a review, in the same transaction."""

from __future__ import annotations

from typing import Any

from skipass.access.approvals import unfit_to_review
from skipass.errors import SkipassError
from skipass.gateway.moves import begin
from skipass.gateway.outbox import CHANNELS, announce_review
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.touches import touched_lately
from skipass.ids import new_id
from skipass.nouns.approval import Decision
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.review import Review, ReviewState
from skipass.nouns.session import AccessSession


async def may_break(unit: UnitOfWork, session: AccessSession, deciders: int) -> None:
    """Pass when breaking the glass would be heard and somebody could review it.

    `deciders` people decide first. Raises `denied_by_policy` where no channel could tell anybody, and `no_approver`
    where nobody would be left to look at it afterwards.
    """
    if not await unit.setting(CHANNELS):
        message = "Breaking the glass tells everybody, and this gateway has no channel to tell them by."
        raise SkipassError("denied_by_policy", message, "An admin sets one: webhook, Slack or mail.")
    draft = await _owed(unit, session)
    people = await unit.find(User, tenant_id=session.tenant_id, state=Life.ACTIVE, end_user_of=None)
    able = [person for person in people if await why_no_review(unit, person, draft) is None]
    if len(able) <= deciders:
        message = f"{len(able)} eligible people could review it, beside {deciders} who would decide."
        hint = "An admin adds people: skipass user create NAME --role approver."
        raise SkipassError("no_approver", message, hint)


async def raise_alarm(unit: UnitOfWork, session: AccessSession) -> None:
    """Write the review that is owed, and a notice for each channel."""
    review = await _owed(unit, session)
    facts: dict[str, Any] = {"agent_id": review.agent_id, "user_id": review.requester_id}
    await begin(unit, review, facts | {"deciders": list(review.deciders), "reason": session.reason})
    await announce_review(unit, review)


async def why_no_review(reader: Reader, person: User, review: Review) -> str | None:
    """Return why a person may not close a review, or None."""
    return unfit_to_review(person, review, reader.now, await touched_lately(reader, person))


async def _owed(unit: UnitOfWork, session: AccessSession) -> Review:
    agent = await unit.get(Agent, session.agent_id)
    asked = await unit.find(Decision, approval_id=session.approval_id) if session.approval_id else []
    return Review(
        id=new_id("review", unit.now),
        tenant_id=session.tenant_id,
        session_id=session.id,
        state=ReviewState.OPEN,
        requester_id=session.user_id,
        owner_id=agent.owner_id if agent else None,
        agent_id=session.agent_id,
        deciders=tuple(decision.user_id for decision in asked),
        opened_at=unit.now,
    )
