"""Notices: what people are told outside the gateway, and what an approver is shown beside the text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NoticeState(StrEnum):
    """pending → sent, failed, dropped (there was nothing to tell any more)."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice on one channel about one approval, review, connected account or agent, kept until it is delivered.

    `about` is what happened: `waiting`, `break_glass`, an account's state and, behind a colon, its reason, or
    `acts_for` and who did it: then `agent_id` is the agent and `user_id` the person it acts for, who is to hear of it.
    `next_at` is when it is tried next; taking it up moves that ahead, so that one process at a time sends it.
    """

    id: str
    tenant_id: str
    approval_id: str | None
    channel: str
    about: str
    state: NoticeState
    created_at: datetime
    next_at: datetime
    attempts: int = 0
    error: str | None = None
    finished_at: datetime | None = None
    review_id: str | None = None
    account_id: str | None = None
    version: int = 1
    agent_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What the gateway asked Snowflake for an approver, once an approval, sealed; `id` is the approval's."""

    id: str
    tenant_id: str
    sealed: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where an agent's key was last seen: one row for each key, client address and client name."""

    id: str
    tenant_id: str
    key_id: str
    address: str
    client: str
    at: datetime
    version: int = 1
