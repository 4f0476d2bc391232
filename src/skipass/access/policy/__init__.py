"""Policy: a connection's own limits, and the typed rules that come on top of them. Pure: values in, values out.

Knows the statement guard's names and tokens, and nothing of people, storage or time.
"""

from __future__ import annotations

from skipass.access.policy.check import check
from skipass.access.policy.evaluate import automatic_scope, judge_session, judge_statement
from skipass.access.policy.limits import ConnectionPolicy, budgets_from, pinned_timeout, policy_from
from skipass.access.policy.parse import MOST_BYTES, parse
from skipass.access.policy.rules import (
    EMPTY,
    LONGEST_BREAK_S,
    Effect,
    Finding,
    Obligations,
    Policy,
    Rule,
    Ruling,
    Subject,
    Wish,
)

__all__ = [
    "EMPTY",
    "LONGEST_BREAK_S",
    "MOST_BYTES",
    "ConnectionPolicy",
    "Effect",
    "Finding",
    "Obligations",
    "Policy",
    "Rule",
    "Ruling",
    "Subject",
    "Wish",
    "automatic_scope",
    "budgets_from",
    "check",
    "judge_session",
    "judge_statement",
    "parse",
    "pinned_timeout",
    "policy_from",
]
