"""Rules taken together: contradictions are faults, what deserves a second look is a warning."""

from __future__ import annotations

import pytest

from skipass.access.policy import check, parse

ALLOW = 'name = "a"\noutcome = "allow"\nobjects = ["D.A"]\n'
GLASS = ALLOW.replace('"a"', '"g"') + 'effects = ["session"]\ngroups = ["group:g"]\nbreak_glass = true\n'


def told(*rules: str) -> tuple[list[str], list[str]]:
    policy, faults = parse("version = 1\nconfirmations = true\n" + "".join(f"[[rule]]\n{rule}\n" for rule in rules))
    assert faults == []
    return check(policy)


def test_an_approval_does_not_idle_a_broken_glass_and_a_deny_does() -> None:
    """A rule about the glass is heard beside approvals; one that a deny always overrules is warned of."""
    asks = 'name = "b"\noutcome = "approval"\neffects = ["session"]'
    assert told(GLASS, asks) == ([], [])
    _, warnings = told(GLASS, 'name = "b"\noutcome = "deny"')
    assert warnings == ["rule 'g' never applies: 'b' says deny to all of it"]


def test_a_plain_policy_is_told_nothing() -> None:
    """Two rules about different things have neither faults nor warnings."""
    assert told(ALLOW, 'name = "b"\noutcome = "deny"\nobjects = ["E"]') == ([], [])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('name = "r"', "it says nothing"),
        ('name = "r"\noutcome = "deny"\nquorum = 2', "a deny has no obligations"),
        ('name = "r"\noutcome = "allow"', "names its objects"),
        ('name = "r"\noutcome = "approval"\nopens_for = "1m"', "opens_for is for an allow"),
        (ALLOW + 'opens_for = "2h"\nlongest = "1h"', "opens_for is longer than longest"),
        ('name = "r"\nautomatic = { schemas = ["D.A"], role = "R", warehouse = "W" }', "automatic is for an allow"),
        (ALLOW + 'automatic = { schemas = ["D.A"], role = "R", warehouse = "W", access = "write" }', "never writes"),
        ('name = "r"\neffects = ["read"]\nlongest = "1m"', "longest and budgets are for sessions"),
        ('name = "r"\neffects = ["session"]\nresult_rows = 5', "are for statements"),
        ('name = "r"\neffects = ["write"]\ndeny_columns = ["A.B.C.D"]', "for the effect read"),
        ('name = "r"\noutcome = "confirm"\nquorum = 2', "the word of one person"),
        ('name = "r"\nquorum = 2\ndeciders = ["grace"]', "more people must agree than it names"),
        (GLASS.replace('effects = ["session"]\n', ""), "an allow or an approval of sessions"),
        (GLASS.replace('"allow"', '"confirm"'), "an allow or an approval of sessions"),
        (GLASS.replace("group:g", "member"), "is a group"),
        (GLASS.replace('"allow"', '"approval"').replace('objects = ["D.A"]\n', ""), "named in objects"),
        (GLASS + 'opens_for = "16m"', "15 minutes at most"),
        (GLASS + "quorum = 2", "one person at most"),
        (GLASS + 'automatic = { schemas = ["D.A"], role = "R", warehouse = "W" }', "break no glass"),
    ],
)
def test_a_rule_that_contradicts_itself_is_a_fault(rule: str, said: str) -> None:
    """What a rule says about something it is not about, or against itself, is a fault that names it."""
    faults, _ = told(rule)
    assert len(faults) == 1
    assert said in faults[0]


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (ALLOW, ALLOW.replace('"a"', '"b"').replace("allow", "deny"), "match the same and say allow and deny"),
        (
            ALLOW + 'automatic = { schemas = ["D.A"], role = "R", warehouse = "W" }',
            'name = "b"\noutcome = "allow"\nagents = ["x"]\nobjects = ["D.B"]\n'
            'automatic = { schemas = ["D.B"], role = "R", warehouse = "W" }',
            "different automatic sessions",
        ),
        (
            'name = "a"\noutcome = "approval"\ndeciders = ["ann"]',
            'name = "b"\noutcome = "approval"\ndeciders = ["bob"]',
            "different deciders",
        ),
    ],
)
def test_two_rules_that_contradict_each_other_are_a_fault(one: str, two: str, said: str) -> None:
    """Rules for the same calls that cannot both be meant are named together, whichever stands first."""
    for rules in ((one, two), (two, one)):
        faults, _ = told(*rules)
        assert len(faults) == 1
    assert said in told(one, two)[0][0]


def test_a_shadow_contradicts_nothing() -> None:
    """A rule that is only recorded may say the opposite of one that holds."""
    deny = ALLOW.replace('"a"', '"b"').replace("allow", "deny")
    assert told(ALLOW, deny + "shadow = true") == ([], [])


@pytest.mark.parametrize("field", ["opens_for", "longest"])
def test_a_window_of_over_an_hour_is_a_warning(field: str) -> None:
    """An hour is fine; a second more is worth a look."""
    assert told(ALLOW + f'{field} = "60m"') == ([], [])
    assert told(ALLOW + f"{field} = 3601") == ([], [f"rule 'a': {field} is a window of over an hour"])


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((ALLOW + 'effects = ["write"]',), "lets no statement run"),
        (('name = "a"\noutcome = "allow"\nobjects = ["*"]',), "every database"),
        ((ALLOW + 'access = "write"',), "sessions that write"),
        ((ALLOW, 'name = "b"\noutcome = "deny"\nobjects = ["D"]'), "'a' never applies: 'b' says deny"),
        ((ALLOW, 'name = "b"\noutcome = "approval"'), "'a' never applies: 'b' says approval"),
    ],
)
def test_what_deserves_a_second_look_is_a_warning(rules: tuple[str, ...], said: str) -> None:
    """An allow that opens much, or nothing at all, is warned of and may be applied."""
    faults, warnings = told(*rules)
    assert faults == []
    assert len(warnings) == 1
    assert said in warnings[0]


def test_names_are_looked_up_where_they_are_known() -> None:
    """A connection, agent, user or decider that does not exist is a fault, and none where nothing is known of them."""
    text = 'version = 1\n[[rule]]\nname = "r"\noutcome = "approval"\nconnections = ["ops", "opps"]\n'
    policy, _ = parse(text + 'agents = ["bot"]\nusers = ["sam"]\ndeciders = ["grace", "role:admin"]')
    assert check(policy) == ([], [])
    faults, _ = check(policy, {"connections": ["ops"], "agents": [], "users": ["sam"]})
    assert faults == [
        "rule 'r': there is no connection 'opps'",
        "rule 'r': there is no agent 'bot'",
        "rule 'r': there is no user 'grace'",
    ]
