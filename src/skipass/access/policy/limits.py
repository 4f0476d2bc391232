"""A connection's own limits: how long, how much, and what opens without a person. Safe when nothing is set.

The rules of a policy come on top of these and only tighten them. Must not know the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from skipass.errors import SkipassError
from skipass.nouns.scope import Scope, scope_from
from skipass.nouns.session import Budgets

LONGEST_S = 366 * 86_400
_MOST = Budgets(statements=10**15, rows=10**15, bytes=10**15, seconds=10**15)


@dataclass(frozen=True, slots=True)
class ConnectionPolicy:
    """The rules of one connection.

    `automatic` is the scope (with role and warehouse) of sessions that open by themselves; None: explicit ones only.
    Durations are seconds: the longest session that opens without a person, the longest with one, how long a request or
    a held statement waits, how long an approved ticket may still run, and one statement's timeout.
    """

    automatic: Scope | None = None
    unattended_ttl_s: int = 15 * 60
    longest_ttl_s: int = 8 * 3600
    decide_within_s: int = 3600
    statement_timeout_s: int = 300
    idle_s: int = 15 * 60
    budgets: Budgets = field(default_factory=Budgets)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape that `policy_from` reads."""
        shape: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        shape["automatic"] = self.automatic.as_dict() if self.automatic else None
        return shape | {"budgets": self.budgets.as_dict()}


def policy_from(value: Mapping[str, Any]) -> ConnectionPolicy:
    """Return the policy of a JSON object, or raise `invalid_request` naming every fault."""
    known = {f.name for f in fields(ConnectionPolicy)}
    faults = [f"unknown member {name!r}" for name in value if name not in known]
    seconds = {name: v for name, v in value.items() if name.endswith("_s") and name in known}
    wrong = [name for name, v in seconds.items() if not _positive(v) or v > LONGEST_S]
    faults += [f"{name} must be a positive number of seconds, a year at most" for name in wrong]
    if faults:
        raise SkipassError("invalid_request", "; ".join(faults), "See the reference of a connection's policy.")
    automatic = value.get("automatic")
    scope = scope_from(automatic) if automatic is not None else None
    if scope and not (scope.role and scope.warehouse):
        raise SkipassError("invalid_request", "automatic must name its scope, role and warehouse.")
    return ConnectionPolicy(automatic=scope, budgets=_budgets(value.get("budgets")), **seconds)


def _budgets(value: object) -> Budgets:
    """Return a connection's own budgets: what it sets, wider or narrower, and the defaults for the rest."""
    given = budgets_from(value, _MOST).as_dict()
    named = value if isinstance(value, Mapping) else {}
    return Budgets(**(Budgets().as_dict() | {name: given[name] for name in named}))


def budgets_from(value: object, most: Budgets) -> Budgets:
    """Return the budgets asked for, none above `most`; raises `invalid_request` for anything but positive integers."""
    if value is None:
        return most
    limits = most.as_dict()
    if not isinstance(value, Mapping) or not set(value) <= set(limits) or not all(_positive(v) for v in value.values()):
        names = ", ".join(limits)
        raise SkipassError("invalid_request", f"budgets must give positive integers for some of: {names}.")
    return Budgets(**{name: min(value.get(name, limit), limit) for name, limit in limits.items()})


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def pinned_timeout(policy: ConnectionPolicy, wanted_s: int | None, left: timedelta, seconds_left: int) -> int:
    """Return the whole seconds to pin as a statement's timeout upstream: it holds even with the gateway dead."""
    window = -int(-left.total_seconds() // 1)
    return max(1, min(policy.statement_timeout_s, wanted_s or policy.statement_timeout_s, window, seconds_left))
