"""What a notice says: who asks for what, on which objects, and how long people have. Never a text of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skipass.access.sqlguard.words import visible
from skipass.gateway.account_messages import account_message
from skipass.gateway.agent_messages import agent_message
from skipass.gateway.ports import Reader
from skipass.gateway.views import card_url, review_url, when
from skipass.gateway.written import Written
from skipass.nouns.approval import Approval, ApprovalState, Subject
from skipass.nouns.notice import Notice
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Role
from skipass.nouns.review import Review, ReviewState
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

MOST_OBJECTS = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in words, the same for every channel; names are shown as they can be read, and bounded.

    It is about an approval, or about a review: then a glass was broken, `people` is who should hear of it, and there is
    nothing to decide any more.
    """

    id: str
    kind: str
    url: str
    agent: str
    for_user: str
    effect: str
    objects: Sequence[str]
    expires_at: datetime
    seconds_left: int
    approval_id: str | None = None
    review_id: str | None = None
    people: Sequence[str] = ()
    to: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of a webhook."""
        about: dict[str, Any] = {
            "approval": {"id": self.approval_id, "url": self.url, "expires_at": when(self.expires_at)}
        }
        if self.review_id:
            about = {"review": {"id": self.review_id, "url": self.url}, "people": list(self.people)}
        return {
            "id": self.id,
            "kind": self.kind,
            **about,
            "agent": self.agent,
            "for": self.for_user,
            "effect": self.effect,
            "objects": list(self.objects),
            "seconds_left": self.seconds_left,
        }

    def subject(self) -> str:
        """Return one line."""
        if self.review_id:
            return f"{self.agent} broke the glass: {self.effect}"
        return f"{self.agent} waits for a decision: {self.effect}"

    def text(self) -> str:
        """Return a few lines for people."""
        named = ", ".join(self.objects) or "no named object"
        if self.review_id:
            return (
                f"{self.agent}, for {self.for_user}, broke the glass.\nOpened: {self.effect}\nObjects: {named}\n"
                f"Time left: {self.seconds_left // 60} minutes\nFor: {', '.join(self.people)}\n"
                f"Somebody who had no part in it reviews it: {self.url}"
            )
        return (
            f"{self.agent}, for {self.for_user}, waits for a decision.\n"
            f"Effect: {self.effect}\nObjects: {named}\nTime left: {self.seconds_left // 60} minutes\n{self.url}"
        )


async def message_of(reader: Reader, notice: Notice, base_url: str) -> Written | None:
    """Return what a notice says now, or None where there is nothing left to tell: it is decided, or over."""
    if notice.agent_id is not None:
        return await agent_message(reader, notice, base_url)
    if notice.account_id is not None:
        return await account_message(reader, notice, base_url)
    if notice.review_id is not None:
        return await _alarm(reader, notice, base_url)
    approval = await reader.get(Approval, notice.approval_id)
    if approval is None or approval.state is not ApprovalState.WAITING or approval.expires_at <= reader.now:
        return None
    agent = await reader.get(Agent, approval.agent_id)
    user = await reader.get(User, approval.requester_id)
    effect, objects = await _about(reader, approval)
    return Message(
        id=notice.id,
        kind=f"approval.{notice.about}",
        approval_id=approval.id,
        url=card_url(base_url, approval.id),
        agent=_short(agent.name if agent else "an agent"),
        for_user=_short(user.name if user else "a user"),
        effect=effect,
        objects=[_short(name) for name in objects[:MOST_OBJECTS]],
        expires_at=approval.expires_at,
        seconds_left=int((approval.expires_at - reader.now).total_seconds()),
    )


async def _alarm(reader: Reader, notice: Notice, base_url: str) -> Message | None:
    """Return the notice of a broken glass; told however the session fares, until somebody has reviewed it."""
    review = await reader.get(Review, notice.review_id, state=ReviewState.OPEN)
    session = await reader.get(AccessSession, review.session_id) if review else None
    if review is None or session is None or session.expires_at is None:
        return None
    agent, user = await reader.get(Agent, session.agent_id), await reader.get(User, session.user_id)
    mine: dict[str, Any] = {"tenant_id": review.tenant_id, "state": Life.ACTIVE, "end_user_of": None}
    everybody = await reader.find(User, order="name", **mine)
    return Message(
        id=notice.id,
        kind="review.open",
        review_id=review.id,
        url=review_url(base_url, review.id),
        agent=_short(agent.name if agent else "an agent"),
        for_user=_short(user.name if user else "a user"),
        effect=f"a {session.scope.access.value} session of {session.ttl_s} seconds",
        objects=[_short(name) for name in session.scope.schemas[:MOST_OBJECTS]],
        expires_at=session.expires_at,
        seconds_left=max(0, int((session.expires_at - reader.now).total_seconds())),
        people=[_short(one.name) for one in everybody if {Role.ADMIN, Role.APPROVER} & set(one.roles)],
    )


async def _about(reader: Reader, approval: Approval) -> tuple[str, Sequence[str]]:
    if approval.subject is Subject.STATEMENT:
        statement = await reader.get(Statement, approval.subject_id)
        if statement is None:
            return "one statement", []
        return f"one {statement.kind.value} statement", statement.writes or statement.reads
    session = await reader.get(AccessSession, approval.subject_id)
    if session is None:
        return "an access session", []
    sort = "an emergency: " if session.break_glass else ""
    return f"{sort}a {session.scope.access.value} session of {session.ttl_s} seconds", session.scope.schemas


def _short(name: str) -> str:
    return visible(name)[:200]
