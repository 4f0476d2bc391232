"""What a notice says: who asks for what, on which objects, and how long people have. Never a text of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skipass.access.sqlguard.words import visible
from skipass.gateway.ports import Reader
from skipass.gateway.views import card_url, when
from skipass.nouns.approval import Approval, ApprovalState, Subject
from skipass.nouns.notice import Notice
from skipass.nouns.people import Agent, User
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

MOST_OBJECTS = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in words, the same for every channel; names are shown as they can be read, and bounded."""

    id: str
    kind: str
    approval_id: str
    url: str
    agent: str
    for_user: str
    effect: str
    objects: Sequence[str]
    expires_at: datetime
    seconds_left: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of a webhook."""
        return {
            "id": self.id,
            "kind": self.kind,
            "approval": {"id": self.approval_id, "url": self.url, "expires_at": when(self.expires_at)},
            "agent": self.agent,
            "for": self.for_user,
            "effect": self.effect,
            "objects": list(self.objects),
            "seconds_left": self.seconds_left,
        }

    def subject(self) -> str:
        """Return one line."""
        return f"{self.agent} waits for a decision: {self.effect}"

    def text(self) -> str:
        """Return a few lines for people."""
        named = ", ".join(self.objects) or "no named object"
        return (
            f"{self.agent}, for {self.for_user}, waits for a decision.\n"
            f"Effect: {self.effect}\nObjects: {named}\nTime left: {self.seconds_left // 60} minutes\n{self.url}"
        )


async def message_of(reader: Reader, notice: Notice, base_url: str) -> Message | None:
    """Return what a notice says now, or None where there is nothing left to tell: it is decided, or over."""
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


async def _about(reader: Reader, approval: Approval) -> tuple[str, Sequence[str]]:
    if approval.subject is Subject.STATEMENT:
        statement = await reader.get(Statement, approval.subject_id)
        if statement is None:
            return "one statement", []
        return f"one {statement.kind.value} statement", statement.writes or statement.reads
    session = await reader.get(AccessSession, approval.subject_id)
    if session is None:
        return "an access session", []
    return f"a {session.scope.access.value} session of {session.ttl_s} seconds", session.scope.schemas


def _short(name: str) -> str:
    return visible(name)[:200]
