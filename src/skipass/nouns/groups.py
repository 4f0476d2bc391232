"""Groups: names that people and agents are gathered under, for rules to match and for questions to go to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

GROUP = "group:"
"""How a rule writes the name of a group, among roles and among people who decide."""


class GroupSource(StrEnum):
    """Who says that somebody is in a group: an admin, or the identity provider at sign-in."""

    ADMIN = "admin"
    SIGN_IN = "sign_in"


class MemberKind(StrEnum):
    """What is in a group."""

    USER = "user"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Membership:
    """One person or agent in the group `name`, as one source has it; over once `removed_at` is set.

    `by` is who said so last: a person's id, or what the sign-in came by.
    """

    id: str
    tenant_id: str
    name: str
    kind: MemberKind
    member_id: str
    source: GroupSource
    by: str
    at: datetime
    removed_at: datetime | None = None
    version: int = 1
