"""Who may decide, and when enough people have."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.access.approvals import RECENT, enough, ineligible
from skipass.nouns.approval import Approval, ApprovalState, Decision, Subject
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
APPROVAL = Approval(
    "apr_1", "tnt_1", Subject.STATEMENT, "stm_1", "ses_1", "hash", ApprovalState.WAITING, "asker", "owner", "agt_1",
    NOW, NOW + timedelta(hours=1),
)  # fmt: skip
LONG_AGO = NOW - timedelta(days=400)
GRACE = User("grace", "tnt_1", "grace", (Role.APPROVER,), LONG_AGO, LONG_AGO)
people = st.builds(
    User,
    id=st.sampled_from(["asker", "owner", "grace", "ada"]),
    tenant_id=st.just("tnt_1"),
    name=st.just("somebody"),
    roles=st.lists(st.sampled_from(Role), unique=True).map(tuple),
    created_at=st.just(LONG_AGO),
    changed_at=st.timedeltas(timedelta(0), timedelta(days=90)).map(lambda ago: NOW - ago),
    changed_by=st.sampled_from([None, "asker", "owner", "ada"]),
    founder=st.booleans(),
    state=st.sampled_from(Life),
)


def test_an_approver_whom_nobody_involved_touched_decides() -> None:
    """The ordinary approver is eligible, an admin too."""
    assert ineligible(GRACE, APPROVAL, NOW) is None
    assert ineligible(replace(GRACE, roles=(Role.ADMIN,)), APPROVAL, NOW) is None


@pytest.mark.parametrize(
    "person",
    [
        replace(GRACE, id="asker"),
        replace(GRACE, id="owner"),
        replace(GRACE, id="asker", roles=(Role.ADMIN,), founder=True),
        replace(GRACE, roles=(Role.AUDITOR, Role.MEMBER)),
        replace(GRACE, roles=()),
        replace(GRACE, state=Life.DISABLED),
        replace(GRACE, changed_by="owner", changed_at=NOW - RECENT + timedelta(seconds=1)),
        replace(GRACE, changed_by="asker", changed_at=NOW),
    ],
)
def test_who_may_not_decide(person: User) -> None:
    """Neither asker nor owner, admins and founders included; nobody powerless, disabled, or touched by those two."""
    assert ineligible(person, APPROVAL, NOW)


def test_a_second_identity_made_for_the_occasion_is_no_way_in() -> None:
    """Thirty days after the owner touched it an identity counts as its own; the two that `init` names always do."""
    touched = replace(GRACE, changed_by="owner", changed_at=NOW - RECENT)
    assert ineligible(touched, APPROVAL, NOW) is None
    assert ineligible(replace(touched, changed_at=NOW), APPROVAL, NOW)
    assert ineligible(replace(touched, changed_at=NOW, founder=True), APPROVAL, NOW) is None


@settings(max_examples=500, deadline=None)
@given(people)
def test_whoever_is_eligible_is_somebody_else_with_the_right(person: User) -> None:
    """Whatever a person looks like, eligible means active, empowered, and neither asker nor owner."""
    if ineligible(person, APPROVAL, NOW) is None:
        assert person.state is Life.ACTIVE
        assert {Role.APPROVER, Role.ADMIN} & set(person.roles)
        assert person.id not in ("asker", "owner")
        recent = person.changed_by in ("asker", "owner") and NOW - person.changed_at < RECENT
        assert person.founder or not recent


def decision(user_id: str, approved: bool) -> Decision:
    return Decision(f"req_{user_id}", "tnt_1", "apr_1", user_id, approved, "", NOW)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(decision, st.sampled_from("abcde"), st.booleans()), max_size=6), st.integers(1, 3))
def test_one_no_ends_it_and_only_distinct_people_count(decisions: list[Decision], quorum: int) -> None:
    """A single refusal is final whatever follows; consent takes as many different people as the quorum says."""
    verdict = enough(replace(APPROVAL, quorum=quorum), decisions)
    agreed = {one.user_id for one in decisions}
    if any(not one.approved for one in decisions):
        assert verdict is False
    else:
        assert verdict is (True if len(agreed) >= quorum else None)
