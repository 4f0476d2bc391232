"""Approval: what waits for people, and their decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """waiting → approved, denied, lapsed, withdrawn."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Subject(StrEnum):
    """What an approval is about."""

    SESSION = "session"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to people, bound to the exact intent by `intent_hash`; nobody decides after `expires_at`.

    `requester_id` is the user acted for and `owner_id` the agent's owner; neither may decide. `deciders` narrows who
    may, by people's names, `role:approver`, `role:admin` and `group:NAME`; empty: every approver and admin. With
    `confirm` the user acted for decides, and nobody else.
    """

    id: str
    tenant_id: str
    subject: Subject
    subject_id: str
    session_id: str
    intent_hash: str
    state: ApprovalState
    requester_id: str
    owner_id: str | None
    agent_id: str | None
    created_at: datetime
    expires_at: datetime
    quorum: int = 1
    decided_at: datetime | None = None
    deciders: tuple[str, ...] = ()
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on one approval; one a person."""

    id: str
    tenant_id: str
    approval_id: str
    user_id: str
    approved: bool
    reason: str
    at: datetime
