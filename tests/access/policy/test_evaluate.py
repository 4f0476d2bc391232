"""What the rules say: a deny wins, then the strictest, in whatever order they stand; and obligations only tighten."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.policy.making import ME, duties, one_rule, policies, verdict_of, verdicts, wishes
from skipass.access.policy import (
    ConnectionPolicy,
    Finding,
    Obligations,
    Policy,
    Rule,
    Ruling,
    Subject,
    Wish,
    automatic_scope,
    judge_session,
    judge_statement,
    parse,
)
from skipass.access.policy.rules import STRICTNESS, Effect
from skipass.access.sessions import Answer, decide
from skipass.nouns.scope import Access, Scope
from skipass.nouns.verdict import Verdict

many = settings(max_examples=120, deadline=None)
EASE = [Answer.OPEN, Answer.ASK, Answer.DENY]


def statement(policy: Policy, verdict: Verdict, subject: Subject = ME) -> Finding:
    return judge_statement(policy, subject, verdict, verdict.text or "")


def answer(policy: Policy, wish: Wish) -> Answer:
    found = judge_session(policy, ME, wish)
    limits = ConnectionPolicy(unattended_ttl_s=wish.unattended_s)
    return decide(wish.scope, wish.ttl_s, "R", frozenset({"R"}), limits, found).answer


def strictness(found: Finding) -> int:
    return -1 if found.ruling is None else STRICTNESS[found.ruling]


def rules(text: str) -> Policy:
    policy, faults = parse(f"version = 1\nconfirmations = true\n{text}")
    assert faults == []
    return policy


@many
@given(policies, wishes, verdicts, st.randoms())
def test_the_order_of_rules_means_nothing(policy: Policy, wish: Wish, verdict: Verdict, random: Any) -> None:
    """However the rules are shuffled, they say the same of a session and of a statement."""
    shuffled = Policy(tuple(random.sample(policy.rules, len(policy.rules))))
    assert judge_session(shuffled, ME, wish) == judge_session(policy, ME, wish)
    assert statement(shuffled, verdict) == statement(policy, verdict)


@many
@given(policies, one_rule, wishes, verdicts)
def test_a_deny_never_allows_more(policy: Policy, added: Rule, wish: Wish, verdict: Verdict) -> None:
    """With a deny added, nothing is answered more easily than without it, and where it is heard nothing happens."""
    deny = replace(added, ruling=Ruling.DENY, shadow=False)
    with_it = Policy((*policy.rules, deny))
    assert EASE.index(answer(with_it, wish)) >= EASE.index(answer(policy, wish))
    found = statement(with_it, verdict)
    assert strictness(found) >= strictness(statement(policy, verdict))
    assert "added" not in found.rules or found.ruling is Ruling.DENY


@many
@given(policies, one_rule, wishes)
def test_only_an_allow_opens(policy: Policy, added: Rule, wish: Wish) -> None:
    """A rule of any other sort never makes a session open that did not, and an allow never overrules a deny."""
    before, after = answer(policy, wish), answer(Policy((*policy.rules, added)), wish)
    if added.ruling is not Ruling.ALLOW or before is Answer.DENY:
        assert EASE.index(after) >= EASE.index(before) or before is Answer.ASK is after
    if before is Answer.DENY:
        assert after is Answer.DENY


@many
@given(policies, one_rule, verdicts)
def test_statement_rules_only_ever_tighten(policy: Policy, added: Rule, verdict: Verdict) -> None:
    """Whatever rule is added, what the rules say of a statement never becomes milder."""
    before, after = statement(policy, verdict), statement(Policy((*policy.rules, added)), verdict)
    assert strictness(after) >= strictness(before)


@many
@given(duties, duties, duties)
def test_obligations_only_tighten(one: Obligations, two: Obligations, three: Obligations) -> None:
    """Joining obligations keeps the tighter of each, in any order and grouping, and twice is once."""
    both = one.and_(two)
    assert both == two.and_(one)
    assert one.and_(two).and_(three) == one.and_(two.and_(three))
    assert one.and_(one) == one.and_(Obligations())
    for name in ("longest_s", "statement_timeout_s", "result_rows", "approval_life_s"):
        limits = [limit for limit in (getattr(one, name), getattr(two, name)) if limit is not None]
        assert getattr(both, name) == min(limits, default=None)
    assert (both.quorum or 1) >= max(one.quorum or 1, two.quorum or 1)
    assert both.deciders is None or all(both.deciders <= d for d in (one.deciders, two.deciders) if d is not None)


@many
@given(policies, wishes, verdicts)
def test_a_shadow_does_nothing(policy: Policy, wish: Wish, verdict: Verdict) -> None:
    """A shadow changes no ruling and no obligation; what it would have said is there to be recorded."""
    real = Policy(tuple(rule for rule in policy.rules if not rule.shadow))
    awake = Policy(tuple(replace(rule, shadow=False) for rule in policy.rules))
    for heard in (lambda p: judge_session(p, ME, wish), lambda p: statement(p, verdict)):
        found = heard(policy)
        assert replace(found, shadow=(), would=None) == heard(real)
        assert not found.shadow or found.would == heard(awake).ruling
    assert judge_session(replace(awake, shadow=True), ME, wish).ruling is None


@many
@given(policies, wishes)
def test_somebody_else_is_not_meant(policy: Policy, wish: Wish) -> None:
    """Of rules that name agents, connections, users and groups, a caller who is none of these hears none."""
    named = Policy(tuple(r for r in policy.rules if r.agents or r.connections or r.users or r.groups))
    assert judge_session(named, Subject("x", "x", "x"), wish) == Finding()


@many
@given(policies, wishes, verdicts)
def test_the_glass_stays_whole_for_ordinary_requests(policy: Policy, wish: Wish, verdict: Verdict) -> None:
    """Rules about the glass are heard by no request that does not break it, and by no statement."""
    ordinary = Policy(tuple(rule for rule in policy.rules if not rule.break_glass))
    assert judge_session(policy, ME, wish) == judge_session(ordinary, ME, wish)
    assert statement(policy, verdict) == statement(ordinary, verdict)


@many
@given(policies, wishes)
def test_a_broken_glass_is_opened_by_its_own_rules_and_held_by_denies_and_limits(policy: Policy, wish: Wish) -> None:
    """No other rule opens, asks or chooses who decides; every deny and every limit of them holds as before."""
    broken, real = replace(wish, break_glass=True), tuple(rule for rule in policy.rules if not rule.shadow)
    found = judge_session(Policy(real), ME, broken)
    own = judge_session(Policy(tuple(rule for rule in real if rule.break_glass)), ME, broken)
    denies = any(r.ruling is Ruling.DENY and r.name in found.rules for r in real if not r.break_glass)
    assert found.ruling is (Ruling.DENY if denies else own.ruling)
    limits = reduce(Obligations.and_, (r.obligations for r in real if r.name in found.rules), Obligations())
    asked = own.obligations
    assert found.obligations == replace(
        limits, quorum=asked.quorum, deciders=asked.deciders, approval_life_s=asked.approval_life_s
    )


@many
@given(policies, wishes)
def test_without_a_rule_that_covers_it_no_glass_breaks(policy: Policy, wish: Wish) -> None:
    """Whatever ordinary rules say, an emergency that no rule about the glass covers is refused."""
    broken = replace(wish, break_glass=True)
    ordinary = Policy(tuple(replace(rule, break_glass=False) for rule in policy.rules))
    found = judge_session(ordinary, ME, broken)
    limits = ConnectionPolicy()
    answered = decide(wish.scope, wish.ttl_s, "R", frozenset({"R"}), limits, found, break_glass=True)
    assert answered.answer is Answer.DENY


@pytest.mark.parametrize(("ttl_s", "opens_for", "ruling"), [(900, "", Ruling.ALLOW), (901, "", None), (61, "1m", None)])
def test_a_broken_glass_lasts_fifteen_minutes_at_most(ttl_s: int, opens_for: str, ruling: Ruling | None) -> None:
    """The connection's own unattended time does not matter; a rule may make it shorter, never longer."""
    shorter = f'opens_for = "{opens_for}"\n' if opens_for else ""
    policy = rules(
        f'[[rule]]\nname = "g"\noutcome = "allow"\neffects = ["session"]\ngroups = ["member"]\n'
        f'objects = ["D"]\nbreak_glass = true\n{shorter}'
    )
    assert judge_session(policy, ME, Wish(Scope(("D.A",)), ttl_s, 7200, break_glass=True)).ruling is ruling


def test_no_policy_says_nothing() -> None:
    """Without rules neither a session nor a statement hears anything."""
    wish = Wish(Scope(("D.A",)), 60, 900)
    assert judge_session(Policy(), ME, wish) == Finding()
    assert statement(Policy(), verdict_of("SELECT X FROM D.A.T")) == Finding()


@pytest.mark.parametrize(
    ("sql", "effect", "objects", "heard"),
    [
        ("SELECT X FROM D.A.T", "read", "D.A.T", True),
        ("SELECT X FROM D.A.T", "read", "D.A", True),
        ("SELECT X FROM D.A.T", "read", "D.*.T", True),
        ("SELECT X FROM D.A.T", "read", "D.B.*", False),
        ("SELECT X FROM D.A.T", "write", "D.A.T", False),
        ("INSERT INTO D.A.T SELECT X FROM D.B.U", "read", "D.B.U", True),
        ("INSERT INTO D.A.T SELECT X FROM D.B.U", "write", "D.B.U", False),
        ("INSERT INTO D.A.T SELECT X FROM D.B.U", "write", "D.A.T", True),
        ("UPDATE D.A.T SET X = 1 WHERE Y = 2", "read", "D.A.T", True),
        ("DROP TABLE D.A.T", "ddl", "D.A.T", True),
        ("DROP TABLE D.A.T", "write", "D.A.T", False),
        ("SHOW TABLES IN SCHEMA D.A", "metadata", "D.A.T", True),
        ("SHOW TABLES IN SCHEMA D.A", "read", "D.A.T", False),
        ("DESCRIBE TABLE D.A.T", "metadata", "D.A.T", True),
        ("SELECT TABLE_NAME FROM D.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'A'", "metadata", "D", True),
        ("SELECT TABLE_NAME FROM D.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'A'", "read", "D", False),
        ("SHOW TABLES IN SCHEMA D.A ->> SELECT X FROM D.A.T", "read", "D.A.T", True),
        ("SELECT X FROM D.A.T ->> SHOW TABLES IN SCHEMA D.B", "metadata", "D.B", True),
        ("SELECT 1", "read", "D.A.T", False),
        ("COPY INTO D.A.T FROM @D.A.ST", "read", "D.B", False),
        ("COPY INTO D.A.T FROM @D.A.ST", "read", "D.A.ST", True),
    ],
)
def test_a_rule_meets_what_a_statement_does(sql: str, effect: str, objects: str, heard: bool) -> None:
    """A rule is heard exactly where its effect is done to something its objects hold."""
    verdict = verdict_of(sql)
    assert verdict.text is not None, verdict.reasons
    policy = rules(f'[[rule]]\nname = "r"\noutcome = "deny"\neffects = ["{effect}"]\nobjects = ["{objects}"]')
    assert (statement(policy, verdict).ruling is Ruling.DENY) is heard


def test_what_names_nothing_meets_rules_without_objects() -> None:
    """A read of no table is still a read."""
    policy = rules('[[rule]]\nname = "r"\noutcome = "deny"\neffects = ["read"]')
    assert statement(policy, verdict_of("SELECT 1")).ruling is Ruling.DENY


@pytest.mark.parametrize(
    ("scope", "ttl_s", "opens"),
    [
        (Scope(("D.A",), access=Access.WRITE), 600, True),
        (Scope(("D.A",), ("D.A.T",), access=Access.WRITE), 600, True),
        (Scope(("D.A", "D.B"), access=Access.WRITE), 600, False),
        (Scope(("D.A",), access=Access.WRITE), 601, False),
        (Scope(("D.A",), functions=("D.A.F",), access=Access.WRITE), 600, False),
    ],
)
def test_an_allow_opens_only_what_lies_in_it_as_a_whole(scope: Scope, ttl_s: int, opens: bool) -> None:
    """An allow opens a session whose every object, time and function it names, and no other."""
    policy = rules(
        '[[rule]]\nname = "r"\noutcome = "allow"\neffects = ["session"]\nobjects = ["D.A"]\n'
        'access = "write"\nopens_for = "10m"'
    )
    assert (answer(policy, Wish(scope, ttl_s, 900)) is Answer.OPEN) is opens


def test_what_an_allow_obliges_to_holds_where_a_person_decides_too() -> None:
    """A request that goes beyond an allow keeps the limits of that rule."""
    text = '[[rule]]\nname = "r"\noutcome = "allow"\nobjects = ["D.A"]\nopens_for = "1m"\nbudgets = { rows = 5 }'
    found = judge_session(rules(text), ME, Wish(Scope(("D.A", "D.B")), 600, 900))
    assert found.ruling is None
    assert dict(found.obligations.budgets) == {"rows": 5}


def test_a_confirm_stands_for_an_approval_only_as_a_whole() -> None:
    """Where a confirm is about one of two changed things, or an approval is heard too, it is not the word needed."""
    confirm = '[[rule]]\nname = "c"\noutcome = "confirm"\neffects = ["write"]\nobjects = ["D.A"]\n'
    approval = '[[rule]]\nname = "a"\noutcome = "approval"\neffects = ["read"]\nobjects = ["D.B"]\n'
    inside, also = verdict_of("UPDATE D.A.T SET X = 1"), verdict_of("INSERT INTO D.A.T SELECT X FROM D.B.U")
    assert statement(rules(confirm), inside).whole
    assert statement(rules(confirm + approval), also).ruling is Ruling.APPROVAL
    made = verdict_of("CREATE TABLE D.A.N AS SELECT X FROM D.B.U")
    assert statement(rules(confirm), made).ruling is None


def test_automatic_sessions_are_those_of_the_one_rule_that_names_them() -> None:
    """Two rules that name different automatic scopes for one caller open none."""
    text = '[[rule]]\nname = "{0}"\noutcome = "allow"\nobjects = ["D.{0}"]\n'
    text += 'automatic = {{ schemas = ["D.{0}"], role = "R", warehouse = "W" }}\n'
    one, two = text.format("A"), text.format("B")
    assert automatic_scope(rules(one), ME) == Scope(("D.A",), role="R", warehouse="W")
    assert automatic_scope(rules(one + two), ME) is None
    assert automatic_scope(rules(one + "shadow = true\n"), ME) is None
    assert Effect.SESSION in rules(one).rules[0].effects
