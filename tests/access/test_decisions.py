"""What opens by itself, what asks a person, what is refused; and which scope is inside which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.access.policy import ConnectionPolicy
from skipass.access.sessions import Answer, covers, decide
from skipass.nouns.scope import Access, Metadata, Scope

NARROW = Scope(("D.A",), role="R", warehouse="W")
ROLES = frozenset({"R"})
names = st.lists(st.sampled_from(["D.A", "D.B", "D.C"]), unique=True).map(tuple)
tables = st.lists(st.sampled_from(["D.A.T", "D.B.T"]), unique=True).map(tuple)
functions = st.lists(st.sampled_from(["D.A.F", "D.B.F"]), unique=True).map(tuple)
scopes = st.builds(Scope, names, tables, functions, st.sampled_from(Metadata), st.sampled_from(Access))
policies = st.builds(
    ConnectionPolicy,
    automatic=st.none() | scopes.map(lambda scope: replace(scope, role="R", warehouse="W")),
    unattended_ttl_s=st.integers(1, 1000),
    longest_ttl_s=st.integers(1, 2000),
)
many = settings(max_examples=300, deadline=None)


def test_one_schema_to_read_for_a_quarter_of_an_hour_opens() -> None:
    """With nothing set, the smallest request opens without a person."""
    assert decide(NARROW, 900, "R", ROLES, ConnectionPolicy()).answer is Answer.OPEN


@pytest.mark.parametrize(
    ("scope", "ttl_s"),
    [
        (replace(NARROW, access=Access.WRITE), 900),
        (replace(NARROW, schemas=("D.A", "D.B")), 900),
        (replace(NARROW, metadata=Metadata.DATABASE), 900),
        (replace(NARROW, metadata=Metadata.ACCOUNT), 900),
        (replace(NARROW, functions=("D.A.F",)), 900),
        (NARROW, 901),
    ],
)
def test_anything_wider_asks_a_person(scope: Scope, ttl_s: int) -> None:
    """Writing, a second schema, metadata beyond it, own functions, or more time each ask, and each says why."""
    decision = decide(scope, ttl_s, "R", ROLES, ConnectionPolicy())
    assert decision.answer is Answer.ASK
    assert len(decision.reasons) == 1


@pytest.mark.parametrize(("role", "ttl_s"), [("ACCOUNTADMIN", 60), ("r", 60), ("R", 8 * 3600 + 1)])
def test_no_person_can_allow_what_the_connection_forbids(role: str, ttl_s: int) -> None:
    """A role that the connection does not name, and more than its longest session, are refused outright."""
    assert decide(NARROW, ttl_s, role, ROLES, ConnectionPolicy()).answer is Answer.DENY


@many
@given(scopes, st.integers(1, 3000), st.sampled_from(["R", "X"]), policies)
def test_nothing_wide_ever_opens_by_itself(scope: Scope, ttl_s: int, role: str, policy: ConnectionPolicy) -> None:
    """Whatever the policy, what opens without a person reads only, calls no functions, and is short enough."""
    decision = decide(scope, ttl_s, role, ROLES, policy)
    if decision.answer is Answer.OPEN:
        assert scope.access is Access.READ
        assert not scope.functions
        assert ttl_s <= min(policy.unattended_ttl_s, policy.longest_ttl_s)
        assert role in ROLES
    assert bool(decision.reasons) is (decision.answer is not Answer.OPEN)


@many
@given(scopes, st.integers(1, 3000), st.integers(1, 3000), policies)
def test_more_time_is_never_answered_more_freely(scope: Scope, one: int, two: int, policy: ConnectionPolicy) -> None:
    """Of two lengths of the same request, the longer one is not let in more easily."""
    order = [Answer.OPEN, Answer.ASK, Answer.DENY]
    short, long = sorted((one, two))
    answers = [order.index(decide(scope, ttl_s, "R", ROLES, policy).answer) for ttl_s in (short, long)]
    assert answers == sorted(answers)


@many
@given(scopes, scopes, scopes)
def test_covering_is_an_order(one: Scope, two: Scope, three: Scope) -> None:
    """Every scope covers itself, and what covers a scope covers all that it covers."""
    assert covers(one, one)
    if covers(one, two) and covers(two, three):
        assert covers(one, three)


@many
@given(scopes, scopes)
def test_what_is_covered_reaches_nothing_outside(wide: Scope, narrow: Scope) -> None:
    """A covered scope adds no schema, table or function, reads no more metadata, and writes only if allowed."""
    if not covers(wide, narrow):
        return
    assert set(narrow.schemas) <= set(wide.schemas)
    assert set(narrow.functions) <= set(wide.functions)
    assert not wide.tables or (narrow.tables and set(narrow.tables) <= set(wide.tables))
    assert narrow.access is Access.READ or wide.access is Access.WRITE
    assert list(Metadata).index(narrow.metadata) <= list(Metadata).index(wide.metadata)


def test_all_tables_are_not_inside_some() -> None:
    """A scope without a list of tables means all of them, so one with a list does not cover it."""
    some = replace(NARROW, tables=("D.A.T",))
    assert covers(NARROW, some)
    assert not covers(some, NARROW)
