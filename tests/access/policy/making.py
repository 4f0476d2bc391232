"""Rules, subjects and verdicts to try: strategies over a small world in which they often meet."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from skipass.access.policy import Effect, Obligations, Policy, Rule, Ruling, Subject, Wish
from skipass.access.policy.names import pattern
from skipass.access.sqlguard import check
from skipass.nouns.scope import Access, Metadata, Scope
from skipass.nouns.verdict import Verdict

ME = Subject("ops", "bot", "sam", frozenset({"member"}))
SCOPE = Scope(("D.A", "D.B"), access=Access.WRITE, role="R", warehouse="W")
STATEMENTS = (
    "SELECT X FROM D.A.T",
    "SELECT X FROM D.A.T JOIN D.B.U USING (X)",
    "INSERT INTO D.A.T (X) SELECT X FROM D.B.U",
    "UPDATE D.B.U SET X = 1 WHERE Y = 2",
    "CREATE TABLE D.A.N AS SELECT X FROM D.B.U",
    "SHOW TABLES IN SCHEMA D.A",
    "DESCRIBE TABLE D.B.U",
    "SELECT 1",
)
patterns = st.sampled_from(["*", "D", "D.A", "D.B.*", "D.A.T", "D.*.U", "E"]).map(pattern)
limits = st.none() | st.integers(1, 1000)
duties = st.builds(
    Obligations,
    longest_s=limits,
    budgets=st.dictionaries(st.sampled_from(["statements", "rows", "bytes", "seconds"]), st.integers(1, 99)).map(
        lambda given: tuple(given.items())
    ),
    statement_timeout_s=limits,
    result_rows=limits,
    quorum=st.none() | st.integers(1, 5),
    deciders=st.none() | st.frozensets(st.sampled_from(["ann", "bob", "role:approver"]), min_size=1),
    approval_life_s=limits,
)
_rules = st.builds(
    Rule,
    name=st.just(""),
    ruling=st.none() | st.sampled_from(Ruling),
    effects=st.frozensets(st.sampled_from(Effect), min_size=1),
    connections=st.sampled_from([(), ("ops",), ("other",)]),
    agents=st.sampled_from([(), ("bot",), ("other", "bot")]),
    users=st.sampled_from([(), ("sam",), ("eve",)]),
    groups=st.sampled_from([(), ("member",), ("admin",)]),
    objects=st.lists(patterns, max_size=2).map(tuple),
    access=st.sampled_from(Access),
    metadata=st.sampled_from(Metadata),
    opens_for_s=limits,
    obligations=duties,
    shadow=st.booleans(),
    break_glass=st.booleans(),
)


def _policy(rules: list[Rule]) -> Policy:
    return Policy(tuple(replace(rule, name=f"r{number}") for number, rule in enumerate(rules)))


policies = st.lists(_rules, max_size=5).map(_policy)
one_rule = _rules.map(lambda rule: replace(rule, name="added"))
wishes = st.builds(
    Wish,
    scope=st.builds(
        Scope,
        st.lists(st.sampled_from(["D.A", "D.B"]), min_size=1, unique=True).map(tuple),
        st.sampled_from([(), ("D.A.T",)]),
        st.sampled_from([(), ("D.A.F",)]),
        st.sampled_from(Metadata),
        st.sampled_from(Access),
    ),
    ttl_s=st.integers(1, 1000),
    unattended_s=st.just(900),
)


def verdict_of(sql: str) -> Verdict:
    """Return what the guard makes of a text in a session on D.A and D.B."""
    return check(sql, SCOPE, database="D", schema="A")


verdicts = st.sampled_from([verdict_of(sql) for sql in STATEMENTS])
