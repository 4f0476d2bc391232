"""Who may decide an approval, and when enough people have. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from skipass.nouns.approval import Approval, Decision
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role

RECENT = timedelta(days=30)


def ineligible(person: User, approval: Approval, now: datetime) -> str | None:
    """Return why this person may not decide this approval, or None if they may.

    Not the user acted for, not the agent's owner, nobody without the approver's or admin's role, and nobody whose
    identity one of those made or changed within thirty days, except the two people `init` names.
    """
    involved = {approval.requester_id, approval.owner_id}
    if person.state is not Life.ACTIVE:
        return "the person is disabled"
    if not {Role.APPROVER, Role.ADMIN} & set(person.roles):
        return "the person is neither approver nor admin"
    if person.id in involved:
        return "the requester, the user acted for and the agent's owner never decide"
    if not person.founder and person.changed_by in involved and now - person.changed_at < RECENT:
        return "the requester or the agent's owner made or changed this person's identity within thirty days"
    return None


def enough(approval: Approval, decisions: Iterable[Decision]) -> bool | None:
    """Return True when the quorum of distinct people agreed, False once one refused, None while it waits."""
    agreed: set[str] = set()
    for decision in decisions:
        if not decision.approved:
            return False
        agreed.add(decision.user_id)
    return True if len(agreed) >= approval.quorum else None
