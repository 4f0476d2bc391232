"""Who may decide an approval, and when enough people have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from skipass.nouns.approval import Approval, Decision
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role
from skipass.nouns.review import Review

RECENT = timedelta(days=30)
FRESH = timedelta(minutes=5)
"""How long after a sign-in its one decision may be made."""
_ROLE = "role:"


def ineligible(
    person: User,
    approval: Approval,
    now: datetime,
    touched_by: Collection[str] = (),
    groups: Collection[str] = (),
) -> str | None:
    """Return why this person may not decide this approval, or None if they may.

    Not the user acted for, not the agent's owner, nobody without the approver's or admin's role or outside those that
    the approval names, and nobody whose identity, role or sign-in link one of those two made or changed within thirty
    days (`touched_by` holds the ids of everybody who did), except the two people `init` names. `groups` are the
    person's, as `group:NAME`. A confirmation is the other way round: the user acted for, and nobody else.
    """
    if person.state is not Life.ACTIVE:
        return "the person is disabled"
    if approval.confirm:
        return None if person.id == approval.requester_id else "only the user acted for confirms"
    if not {Role.APPROVER, Role.ADMIN} & set(person.roles):
        return "the person is neither approver nor admin"
    if not _named(person, approval.deciders, groups):
        return "the policy names others to decide"
    return _involved(person, {approval.requester_id, approval.owner_id}, now, touched_by)


def _named(person: User, deciders: tuple[str, ...], groups: Collection[str]) -> bool:
    mine = {person.name, *groups, *(f"{_ROLE}{role.value}" for role in person.roles)}
    return not deciders or bool(mine & set(deciders))


def unfit_to_review(person: User, review: Review, now: datetime, touched_by: Collection[str] = ()) -> str | None:
    """Return why this person may not close a review, or None: an approver or admin without any part in it may."""
    if person.state is not Life.ACTIVE:
        return "the person is disabled"
    if not {Role.APPROVER, Role.ADMIN} & set(person.roles):
        return "the person is neither approver nor admin"
    if person.id in review.deciders:
        return "who decided does not review it"
    return _involved(person, {review.requester_id, review.owner_id}, now, touched_by)


def _involved(person: User, involved: Collection[str | None], now: datetime, touched_by: Collection[str]) -> str | None:
    if person.id in involved:
        return "the requester, the user acted for and the agent's owner never decide"
    recent = {person.changed_by} if now - person.changed_at < RECENT else set()
    if not person.founder and (set(involved) - {None}) & (recent | set(touched_by)):
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
