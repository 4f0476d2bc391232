"""From the text of a policy to its rules, or to every fault in it at once.

TOML, because people write and review it, and because the standard library reads it and nothing more than data comes
out. Knows the shape of a rule and not what rules mean together: see `check`.
Source: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from skipass.access.policy.names import Pattern, pattern
from skipass.access.policy.rules import BUDGETS, EMPTY, Column, Effect, Obligations, Policy, Rule, Ruling
from skipass.access.sqlguard.scopes import canonical_scope
from skipass.errors import SkipassError
from skipass.nouns.groups import GROUP
from skipass.nouns.principal import Role
from skipass.nouns.scope import Access, Metadata, Scope, scope_from

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
MOST_BYTES = 256 * 1024
MOST_RULES = 500
LONGEST_S = 7 * 86_400
_DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DOCUMENT = ("version", "shadow", "confirmations", "rule")


def parse(text: str) -> tuple[Policy, list[str]]:
    """Return the policy of a TOML text and its faults, each a sentence that names the rule; with faults it is empty."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        return EMPTY, [f"the policy is over {MOST_BYTES} bytes"]
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return EMPTY, [f"it is not TOML: {error}"]
    faults: list[str] = []
    rules = _document(_Reader("policy", document, faults))
    return (EMPTY if faults else rules), faults


class _Reader:
    """One table of the text: hands out its members typed and notes what is wrong with them."""

    def __init__(self, where: str, table: Mapping[str, Any], faults: list[str]) -> None:
        self.where, self.table, self.faults = where, table, faults

    def fault(self, said: str) -> None:
        self.faults.append(f"{self.where}: {said}")

    def only(self, known: tuple[str, ...]) -> None:
        for name in self.table:
            if name not in known:
                self.fault(f"there is no field {name!r}")

    def text(self, name: str) -> str:
        value = self.table.get(name, "")
        if isinstance(value, str) and len(value) <= 1000 and value.isprintable():
            return value
        self.fault(f"{name} must be one line of text")
        return ""

    def flag(self, name: str) -> bool:
        value = self.table.get(name, False)
        if not isinstance(value, bool):
            self.fault(f"{name} must be true or false")
        return value is True

    def count(self, name: str) -> int | None:
        value = self.table.get(name)
        if value is None or (type(value) is int and 0 < value < 1 << 53):
            return value
        self.fault(f"{name} must be a positive integer")
        return None

    def seconds(self, name: str) -> int | None:
        value = self.table.get(name)
        if value is None:
            return None
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        found = int(match[1]) * _UNITS[match[2]] if match else value
        if type(found) is int and 0 < found <= LONGEST_S:
            return found
        self.fault(f"{name} must be a time such as 90s, 15m or 8h, over zero and at most seven days")
        return None

    def choice(self, name: str, choices: type[E], default: E) -> E:
        return self.optional(name, choices) or default

    def optional(self, name: str, choices: type[E]) -> E | None:
        value = self.table.get(name)
        return None if value is None else self._one(name, value, choices)

    def _one(self, name: str, value: Any, choices: type[E]) -> E | None:
        try:
            return choices(value)
        except ValueError:
            self.fault(f"{name} must be one of {', '.join(one.value for one in choices)}")
            return None

    def names(self, name: str) -> tuple[str, ...]:
        value = self.table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            self.fault(f"{name} must be a list of names")
            return ()
        if name in self.table and not value:
            self.fault(f"{name} is empty; leave it out to match everything")
        return tuple(dict.fromkeys(value))

    def each(self, name: str, read: Callable[[str], T | None], said: str) -> tuple[T, ...]:
        found = [(one, read(one)) for one in self.names(name)]
        for one, value in found:
            if value is None:
                self.fault(f"{name}: {one!r} {said}")
        return tuple(value for _, value in found if value is not None)

    def choices(self, name: str, choices: type[E]) -> tuple[E, ...]:
        found = (self._one(name, value, choices) for value in self.names(name))
        return tuple(value for value in found if value is not None)


def _document(reader: _Reader) -> Policy:
    reader.only(_DOCUMENT)
    if reader.table.get("version") != 1:
        reader.fault("version must be 1")
    tables = reader.table.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        reader.fault("every rule starts with [[rule]]")
        tables = []
    if len(tables) > MOST_RULES:
        reader.fault(f"there are over {MOST_RULES} rules")
    confirmations = reader.flag("confirmations")
    rules = [_rule(_Reader(_called(table, at), table, reader.faults)) for at, table in enumerate(tables[:MOST_RULES])]
    for name in sorted({rule.name for rule in rules if [one.name for one in rules].count(rule.name) > 1}):
        reader.fault(f"several rules are named {name!r}")
    for rule in rules:
        if rule.ruling is Ruling.CONFIRM and not confirmations:
            reader.fault(f"rule {rule.name!r} says confirm, which is off until the policy has confirmations = true")
    return Policy(tuple(rules), reader.flag("shadow"))


def _called(table: Mapping[str, Any], at: int) -> str:
    name = table.get("name")
    return f"rule {name!r}" if isinstance(name, str) and name.strip() else f"rule {at + 1}"


_RULE = (
    *("name", "outcome", "effects", "connections", "agents", "users", "groups", "objects", "access", "metadata"),
    *("functions", "opens_for", "automatic", "shadow", "why", "longest", "budgets", "statement_timeout"),
    *("result_rows", "deny_columns", "quorum", "deciders", "approval_life", "break_glass"),
)
_NO_NAME = "is not a name such as OPS_DB.OPS.ORDERS or OPS_DB.*; * stands for a whole part"


def _rule(reader: _Reader) -> Rule:
    reader.only(_RULE)
    if not reader.text("name").strip():
        reader.fault("it needs a name")
    effects = frozenset(reader.choices("effects", Effect)) or frozenset(Effect)
    return Rule(
        name=reader.text("name"),
        ruling=reader.optional("outcome", Ruling),
        effects=effects,
        connections=reader.names("connections"),
        agents=reader.names("agents"),
        users=reader.names("users"),
        groups=reader.each("groups", _group, "is neither a role nor group:NAME"),
        objects=reader.each("objects", pattern, _NO_NAME),
        access=reader.choice("access", Access, Access.READ),
        metadata=reader.choice("metadata", Metadata, Metadata.SCHEMA),
        functions=reader.each("functions", pattern, _NO_NAME),
        opens_for_s=reader.seconds("opens_for"),
        automatic=_automatic(reader),
        obligations=_obligations(reader),
        shadow=reader.flag("shadow"),
        why=reader.text("why"),
        break_glass=reader.flag("break_glass"),
    )


def _automatic(reader: _Reader) -> Scope | None:
    value = reader.table.get("automatic")
    if value is None:
        return None
    try:
        scope = canonical_scope(scope_from(value))
    except SkipassError as error:
        reader.fault(f"automatic: {error.message}")
        return None
    if not (scope.role and scope.warehouse):
        reader.fault("automatic must name its role and its warehouse")
    return scope


def _obligations(reader: _Reader) -> Obligations:
    deciders = reader.each(
        "deciders", _decider, "is neither a person's name nor role:approver, role:admin or group:NAME"
    )
    return Obligations(
        longest_s=reader.seconds("longest"),
        budgets=_budgets(reader),
        statement_timeout_s=reader.seconds("statement_timeout"),
        result_rows=reader.count("result_rows"),
        deny_columns=reader.each("deny_columns", _column, "is not a column such as OPS_DB.OPS.CUSTOMERS.EMAIL"),
        quorum=reader.count("quorum"),
        deciders=frozenset(deciders) if deciders else None,
        approval_life_s=reader.seconds("approval_life"),
    )


def _budgets(reader: _Reader) -> tuple[tuple[str, int], ...]:
    value = reader.table.get("budgets", {})
    if not isinstance(value, dict):
        reader.fault("budgets must be a table such as { rows = 1000 }")
        return ()
    inner = _Reader(f"{reader.where}: budgets", value, reader.faults)
    inner.only(BUDGETS)
    return tuple((name, limit) for name in BUDGETS if (limit := inner.count(name)) is not None)


def _group(text: str) -> str | None:
    return text if text in set(Role) or _is_group(text) else None


def _is_group(text: str) -> bool:
    return text.startswith(GROUP) and bool(text.removeprefix(GROUP).strip())


def _decider(text: str) -> str | None:
    if text.startswith(GROUP):
        return text if _is_group(text) else None
    if not text.startswith("role:"):
        return text
    return text if text in ("role:approver", "role:admin") else None


def _column(text: str) -> Column | None:
    found = pattern(text, most=4)
    if found is None or len(found.parts) != 4 or found.parts[3] is None:
        return None
    return Column(Pattern(found.parts[:3]), found.parts[3])
