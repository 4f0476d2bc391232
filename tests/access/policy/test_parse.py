"""A policy's text: every fault at once, nothing guessed at, and no fault that ends in anything but a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.access.policy import EMPTY, MOST_BYTES, Effect, Ruling, check, parse
from skipass.nouns.scope import Access, Scope

FULL = """
version = 1
confirmations = true

[[rule]]
name = "weekly report"
outcome = "allow"
why = "the report needs them"
effects = ["session", "read"]
connections = ["ops"]
agents = ["reporting-agent"]
users = ["sam"]
groups = ["member", "group:on call"]
objects = ["OPS_DB.OPS.*", "ops_db.crm.customers"]
access = "write"
metadata = "database"
functions = ["OPS_DB.OPS.F"]
opens_for = "30m"
longest = "1h"
budgets = { rows = 1000, statements = 50 }
statement_timeout = 60
result_rows = 500
deny_columns = ["OPS_DB.CRM.CUSTOMERS.EMAIL"]
automatic = { schemas = ["ops_db.ops"], role = "R", warehouse = "W" }

[[rule]]
name = "careful"
outcome = "approval"
effects = ["write"]
quorum = 2
deciders = ["grace", "role:admin"]
approval_life = "10m"
"""


def test_everything_a_rule_can_say() -> None:
    """Each field arrives typed: names folded, times in seconds."""
    policy, faults = parse(FULL)
    assert faults == []
    report, careful = policy.rules
    assert (report.ruling, report.access, report.opens_for_s) == (Ruling.ALLOW, Access.WRITE, 1800)
    assert report.effects == {Effect.SESSION, Effect.READ}
    assert [str(one) for one in report.objects] == ["OPS_DB.OPS.*", "OPS_DB.CRM.CUSTOMERS"]
    assert report.automatic == Scope(("OPS_DB.OPS",), role="R", warehouse="W")
    duties = report.obligations
    assert (duties.longest_s, duties.statement_timeout_s, duties.result_rows) == (3600, 60, 500)
    assert dict(duties.budgets) == {"rows": 1000, "statements": 50}
    assert [str(column) for column in duties.deny_columns] == ["OPS_DB.CRM.CUSTOMERS.EMAIL"]
    assert careful.obligations.deciders == {"grace", "role:admin"}
    assert (careful.obligations.quorum, careful.obligations.approval_life_s) == (2, 600)


@pytest.mark.parametrize(
    "line",
    [
        'color = "red"',
        'outcome = "maybe"',
        'effects = ["reads"]',
        "effects = []",
        'objects = ["OPS_*"]',
        'objects = "OPS_DB"',
        "objects = [1]",
        'opens_for = "0s"',
        "opens_for = 0",
        "opens_for = -5",
        'opens_for = "8 hours"',
        'opens_for = "8d"',
        "opens_for = 1.5",
        "opens_for = true",
        "result_rows = 0",
        "result_rows = -1",
        "result_rows = true",
        "budgets = { rows = 0 }",
        "budgets = { lines = 5 }",
        "budgets = 5",
        "quorum = 0",
        'deciders = ["role:everybody"]',
        'groups = ["payroll"]',
        'groups = ["group:"]',
        'deciders = ["group: "]',
        'deny_columns = ["EMAIL"]',
        'deny_columns = ["A.B.C.*"]',
        'access = "admin"',
        'automatic = { schemas = ["D.S"] }',
        'automatic = { schemas = ["D"], role = "R", warehouse = "W" }',
        'automatic = { schemas = ["D.S"], role = "R", warehouse = "W", owner = "x" }',
        'shadow = "yes"',
        'why = "two\\nlines"',
    ],
)
def test_what_is_not_understood_is_a_fault(line: str) -> None:
    """An unknown field, name, word, or a time of nothing or less is a fault that names the rule and the field."""
    policy, faults = parse(f'version = 1\n[[rule]]\nname = "mine"\n{line}\n')
    assert policy == EMPTY
    assert len(faults) == 1
    assert faults[0].startswith("rule 'mine': ")
    assert line.split(" = ")[0] in faults[0]


def test_all_faults_are_told_at_once() -> None:
    """Faults of several rules and of the document come together."""
    text = 'versio = 1\n[[rule]]\noutcome = "x"\n[[rule]]\nname = "b"\nquorum = 0\n[[rule]]\nname = "b"\ncolor = 1\n'
    _, faults = parse(text)
    assert len(faults) == 7
    assert sum(fault.startswith("policy: ") for fault in faults) == 3


@pytest.mark.parametrize("text", ["version = 1\n[[rule]", "version = 2", "", "rule = 5\nversion = 1", "\0", "=" * 9])
def test_what_is_no_policy_is_a_fault(text: str) -> None:
    """Broken TOML and another version are faults, never an empty policy."""
    policy, faults = parse(text)
    assert (policy, bool(faults)) == (EMPTY, True)


def test_a_policy_has_a_size() -> None:
    """A text over the limit, or with too many rules, is refused; so is a confirm that nobody switched on."""
    assert parse("#" * (MOST_BYTES + 1))[1] == [f"the policy is over {MOST_BYTES} bytes"]
    assert "over 500 rules" in parse("version = 1\n" + "[[rule]]\n" * 501)[1][0]
    confirm = '[[rule]]\nname = "c"\noutcome = "confirm"\n'
    assert "is off until" in parse(f"version = 1\n{confirm}")[1][0]
    assert parse(f"version = 1\nconfirmations = true\n{confirm}")[1] == []


_WORDS = """version rule name outcome effects objects budgets = [ ] [[rule]] { } "deny" "x" 1 -1 true 1979-05-27 ["*"]
shadow automatic quorum . ' inf"""
_words = st.sampled_from([*_WORDS.split(), "\n"])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(_words, max_size=30).map(" ".join)))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text gives a policy or faults, and a policy can be checked."""
    policy, faults = parse(text)
    assert not faults or policy == EMPTY
    assert check(policy)[0] is not None
