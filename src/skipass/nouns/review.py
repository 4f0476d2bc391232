"""Review: what is owed after somebody broke the glass, until a person who had no part in it has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReviewState(StrEnum):
    """open → closed."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Review:
    """One session that opened by breaking the glass; closed by a person, with what they have to say.

    `requester_id` is the user acted for, `owner_id` the agent's owner, `deciders` the ids of who approved it, empty
    where a rule opened it at once; none of these closes it.
    """

    id: str
    tenant_id: str
    session_id: str
    state: ReviewState
    requester_id: str
    owner_id: str | None
    agent_id: str | None
    deciders: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    comment: str = ""
    version: int = 1
