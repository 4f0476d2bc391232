"""Policy, budgets and the pinned timeout: safe when nothing is set, never wider than what is set."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.access.policy import ConnectionPolicy, budgets_from, pinned_timeout, policy_from
from skipass.errors import SkipassError
from skipass.nouns.scope import Scope
from skipass.nouns.session import Budgets

SECONDS = ("unattended_ttl_s", "longest_ttl_s", "decide_within_s", "statement_timeout_s", "idle_s")
NAMES = ("statements", "rows", "bytes", "seconds")
positive = st.integers(1, 10**7)
quick = settings(max_examples=200, deadline=None)


def test_nothing_set_is_the_safe_default() -> None:
    """Without a policy: no automatic session, fifteen minutes, fifteen minutes idle, an hour to decide."""
    policy = policy_from({})
    assert policy == ConnectionPolicy()
    assert policy.automatic is None
    assert (policy.unattended_ttl_s, policy.idle_s, policy.decide_within_s) == (900, 900, 3600)


@quick
@given(
    st.dictionaries(st.sampled_from(SECONDS), positive),
    st.dictionaries(st.sampled_from(NAMES), positive),
    st.booleans(),
)
def test_a_policy_comes_back_from_its_json(seconds: dict[str, int], budgets: dict[str, int], automatic: bool) -> None:
    """A policy written as JSON and read again is the same policy."""
    value: dict[str, Any] = {**seconds, **({"budgets": budgets} if budgets else {})}
    if automatic:
        value["automatic"] = {"schemas": ["D.S"], "role": "R", "warehouse": "W"}
    policy = policy_from(value)
    assert policy_from(orjson.loads(orjson.dumps(policy.as_dict()))) == policy
    assert all(getattr(policy, name) == v for name, v in seconds.items())


def test_a_connection_sets_its_own_budgets_wider_or_narrower() -> None:
    """What a connection sets is its limit, also above the default, and what it leaves out is the default."""
    assert policy_from({"budgets": {"rows": 5_000_000, "statements": 3}}).budgets == Budgets(
        statements=3, rows=5_000_000
    )


@pytest.mark.parametrize(
    "value",
    [
        {"automatic": {"schemas": ["D.S"]}},
        {"automatic": {"schemas": ["D.S"], "role": "R"}},
        {"automatic": {"schemas": ["D.S"], "warehouse": "W"}},
        {"unattended_ttl": 60},
        {"idle_s": 0},
        {"idle_s": -1},
        {"idle_s": True},
        {"idle_s": 1.5},
        {"idle_s": "900"},
        {"decide_within_s": None},
        {"decide_within_s": 10**18},
        {"budgets": {"rows": 0}},
        {"budgets": {"lines": 5}},
        {"budgets": [5]},
    ],
)
def test_what_is_not_understood_is_refused(value: dict[str, Any]) -> None:
    """An unknown member, a half-named automatic scope or a number out of range is refused, never guessed at."""
    with pytest.raises(SkipassError) as refused:
        policy_from(value)
    assert refused.value.code == "invalid_request"


@quick
@given(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 10**12)), st.tuples(*[positive] * 4))
def test_budgets_only_ever_shrink(wanted: dict[str, int], most: tuple[int, int, int, int]) -> None:
    """What a request asks for lowers the policy's budgets and never raises one."""
    limits = Budgets(*most)
    given_ = budgets_from(wanted, limits).as_dict()
    for name, limit in limits.as_dict().items():
        assert given_[name] == min(wanted.get(name, limit), limit)
    assert budgets_from(None, limits) == limits


@quick
@given(
    st.one_of(
        st.integers(max_value=0), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers(), max_size=2)
    ),
    st.sampled_from(NAMES),
)
def test_a_budget_is_a_positive_integer(value: Any, name: str) -> None:
    """Anything but a positive integer is refused, booleans and floats included."""
    with pytest.raises(SkipassError) as refused:
        budgets_from({name: value}, Budgets())
    assert refused.value.code == "invalid_request"


@quick
@given(
    st.integers(1, 10_000),
    st.none() | st.integers(1, 10_000),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=2)),
    st.integers(1, 10_000),
)
def test_a_pinned_timeout_is_within_every_limit(most: int, wanted: int | None, left: timedelta, budget: int) -> None:
    """It is whole seconds, at least one, and at most policy, wish, budget, and the session's time rounded up."""
    pinned = pinned_timeout(ConnectionPolicy(statement_timeout_s=most), wanted, left, budget)
    limits = [most, wanted or most, budget, math.ceil(left / timedelta(seconds=1))]
    assert pinned == min(limits)
    assert pinned >= 1


def test_an_automatic_scope_is_a_scope() -> None:
    """What is automatic is read like every scope, role and warehouse included."""
    policy = policy_from({"automatic": {"schemas": ["D.S"], "role": "R", "warehouse": "W"}})
    assert policy.automatic == Scope(("D.S",), role="R", warehouse="W")
