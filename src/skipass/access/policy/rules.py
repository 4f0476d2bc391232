"""The typed rules of a policy, and what comes out of asking them. Values only: nothing here decides.

Every rule that matches is heard, in whatever order they stand: a deny wins, then the strictest. See `evaluate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from skipass.access.policy.names import Pattern
from skipass.nouns.scope import Access, Metadata, Scope


class Effect(StrEnum):
    """What a rule is about: a request for a session, or what a statement does to an object."""

    SESSION = "session"
    READ = "read"
    WRITE = "write"
    DDL = "ddl"
    METADATA = "metadata"


class Ruling(StrEnum):
    """What a rule says, from the mildest to the strictest."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    APPROVAL = "approval"
    DENY = "deny"


STRICTNESS = {ruling: number for number, ruling in enumerate(Ruling)}
LONGEST_BREAK_S = 15 * 60
"""The longest session that opens by breaking the glass."""
BUDGETS = ("statements", "rows", "bytes", "seconds")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that may not be read, and the tables it is one of."""

    table: Pattern
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


@dataclass(frozen=True, slots=True)
class Obligations:
    """What holds where a rule matches; None, or empty, says nothing. Durations are seconds.

    `budgets` are pairs of a budget's name and its limit. `deciders` are people's names, `role:ROLE` and
    `group:NAME`.
    """

    longest_s: int | None = None
    budgets: tuple[tuple[str, int], ...] = ()
    statement_timeout_s: int | None = None
    result_rows: int | None = None
    deny_columns: tuple[Column, ...] = ()
    quorum: int | None = None
    deciders: frozenset[str] | None = None
    approval_life_s: int | None = None

    def and_(self, other: Obligations) -> Obligations:
        """Return what holds where both hold: of each limit the tighter one."""
        return Obligations(
            _least(self.longest_s, other.longest_s),
            _tighter(self.budgets, other.budgets),
            _least(self.statement_timeout_s, other.statement_timeout_s),
            _least(self.result_rows, other.result_rows),
            tuple(sorted({*self.deny_columns, *other.deny_columns}, key=str)),
            max(self.quorum or 0, other.quorum or 0) or None,
            _both(self.deciders, other.deciders),
            _least(self.approval_life_s, other.approval_life_s),
        )


def _least(one: int | None, two: int | None) -> int | None:
    return min((n for n in (one, two) if n is not None), default=None)


def _tighter(one: tuple[tuple[str, int], ...], two: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    limits = {name: _least(dict(one).get(name), dict(two).get(name)) for name in BUDGETS}
    return tuple((name, limit) for name, limit in limits.items() if limit is not None)


def _both(one: frozenset[str] | None, two: frozenset[str] | None) -> frozenset[str] | None:
    return one & two if one is not None and two is not None else one if two is None else two


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; an empty tuple among what it matches on matches everything.

    `ruling` is None for a rule that only brings obligations. For session requests `access`, `metadata` and `functions`
    say up to what an allow goes, and `opens_for_s` for how long; any other rule is then about requests that ask for as
    much. A `shadow` rule is recorded and does nothing. A `break_glass` rule is heard by requests that break the glass,
    and by no other.
    """

    name: str
    ruling: Ruling | None = None
    effects: frozenset[Effect] = frozenset(Effect)
    connections: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    objects: tuple[Pattern, ...] = ()
    access: Access = Access.READ
    metadata: Metadata = Metadata.SCHEMA
    functions: tuple[Pattern, ...] = ()
    opens_for_s: int | None = None
    automatic: Scope | None = None
    obligations: Obligations = field(default_factory=Obligations)
    shadow: bool = False
    why: str = ""
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Every rule of one version; `shadow` makes shadows of them all."""

    rules: tuple[Rule, ...] = ()
    shadow: bool = False


EMPTY = Policy()


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks and where, by name; `groups` are the roles of the user acted for, and `group:NAME` of theirs
    and the agent's."""

    connection: str
    agent: str
    user: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wish:
    """A session as it is asked for: its canonical scope, for how many seconds, and whether as an emergency."""

    scope: Scope
    ttl_s: int
    unattended_s: int
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules say of one request or statement.

    `ruling` is the strictest of them, None where none says anything. `rules` are the names of those that matched,
    `shadow` the shadows among the matching ones, `would` the ruling if these were in force. `whole` is true where the
    ruling, an allow or a confirm, is about everything that was asked. `reasons` are pairs of a rule and a sentence.
    """

    ruling: Ruling | None = None
    rules: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    would: Ruling | None = None
    whole: bool = False
    obligations: Obligations = field(default_factory=Obligations)
    reasons: tuple[tuple[str, str], ...] = ()

    def told(self) -> dict[str, object]:
        """Return what goes on record of it: the rules heard, their ruling, and what the shadows would have said."""
        told: dict[str, object] = {"rules": list(self.rules), "ruling": self.ruling}
        return told | ({"shadow": list(self.shadow), "would": self.would} if self.shadow else {})
