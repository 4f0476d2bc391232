"""Random catalogues: databases, schemas, tables and views under names that are easily taken for one another.

Pure. A world also fixes what a session may touch and where it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from skipass.nouns.scope import Access, Scope

_REGULAR = re.compile(r"[A-Z_][A-Z0-9_$]*")
COLUMNS = ("ID", "NAME", "AMOUNT")
WAREHOUSE = "WH"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The full name of a table or view, each part as it is stored."""

    database: str
    schema: str
    name: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """The three parts."""
        return self.database, self.schema, self.name

    @property
    def parent(self) -> tuple[str, str]:
        """The schema it lies in."""
        return self.database, self.schema

    def __str__(self) -> str:
        return dotted(self.parts)


def dotted(parts: tuple[str, ...]) -> str:
    """Return stored parts as a dotted name, in quotes where they need them."""
    return ".".join(p if _REGULAR.fullmatch(p) else '"' + p.replace('"', '""') + '"' for p in parts)


@dataclass(frozen=True, slots=True)
class World:
    """A catalogue, the place of a session in it, and what the session may touch.

    `views` read a table outside; `twins` tells whether names occur that differ in case alone.
    """

    tables: tuple[Name, ...]
    views: tuple[Name, ...]
    here: tuple[str, str]
    elsewhere: tuple[str, str]
    granted: frozenset[Name]
    scope: Scope
    twins: bool

    @property
    def schemas(self) -> tuple[tuple[str, str], ...]:
        """All schemas, in order."""
        return tuple(dict.fromkeys(n.parent for n in (*self.tables, *self.views)))

    @property
    def objects(self) -> tuple[Name, ...]:
        """Tables and views."""
        return (*self.tables, *self.views)


_STEMS = ("ORD", "CUST", "PAY", "EMP", "LOG", "STOCK", "ITEM", "VISIT", "CLAIM", "FLEET")
_ODD = ("{} x", "{}.x", "{}-1", 'q"{}', "{}é")


def _names(dice: Random, count: int, *, twins: bool) -> list[str]:
    made: dict[str, str] = {}
    while len(made) < count:
        stem = dice.choice(_STEMS) + str(dice.randrange(30))
        odd = dice.random()
        name = dice.choice(_ODD).format(stem.lower()) if odd < 0.12 else stem.lower() if odd < 0.2 else stem
        if twins or name.upper() not in made:
            made[name if twins else name.upper()] = name
    return list(made.values())


def build(dice: Random) -> World:
    """Return a fresh world: two or three databases, the same few names used again and again in them."""
    twins = dice.random() < 0.4
    words = _names(dice, 7, twins=twins)
    databases = words[: dice.choice((2, 3))]
    # Schemas may be called like databases, and tables like schemas: that is what resolution has to get right.
    pool = words if twins else words[3:]
    schemas = [(d, s) for d in databases for s in ("PUBLIC", *dice.sample(pool, 2))]
    names = words if twins else words[2:]
    tables = tuple(sorted({Name(*s, n) for s in schemas for n in dice.sample(names, 3)}))
    here, elsewhere = dice.sample(schemas, 2)
    inside = {here, *dice.sample(schemas, dice.choice((0, 1)))} - {elsewhere}
    narrowed = dice.random() < 0.3
    views = tuple(Name(*s, "V_" + dice.choice(_STEMS)) for s in sorted(inside))
    granted = frozenset(n for n in (*tables, *views) if n.parent in inside)
    if narrowed:
        # A schema is narrowed by naming some of its tables, so at least one is named.
        first = next(n for n in sorted(granted) if n.parent == here)
        granted = frozenset(n for n in sorted(granted) if n == first or n.parent != here or dice.random() < 0.5)
    listed = tuple(sorted(str(n) for n in granted)) if narrowed else ()
    scope = Scope(tuple(dotted(s) for s in sorted(inside)), listed, access=Access.WRITE, warehouse=WAREHOUSE)
    return World(tables, views, here, elsewhere, granted, scope, twins)
