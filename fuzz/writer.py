"""Writes random statements over a world, and notes which objects each names. Pure; knows no parser and no guard.

Every subquery in FROM yields the three columns all tables have, so that parts fit wherever they are put.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from fuzz.catalogue import Name, World, dotted

_MOST = 3


@dataclass(frozen=True, slots=True)
class Written:
    """A statement and the truth about it: the objects it reads and the one it changes."""

    sql: str
    reads: frozenset[Name]
    writes: frozenset[Name]

    def inside(self, granted: frozenset[Name]) -> bool:
        """Tell whether everything it touches is granted."""
        return self.reads | self.writes <= granted


@dataclass(slots=True)
class Writer:
    """Writes one statement; `stray` is how often a name is picked from outside what is granted."""

    dice: Random
    world: World
    stray: float
    reads: set[Name] = field(default_factory=set)
    _aliases: int = 0

    def statement(self) -> Written:
        """Return a query, or now and then a change or a look at a table."""
        throw = self.dice.random()
        if throw < 0.06:
            target = self._looked_at()
            return Written(f"DESCRIBE {self._kind(target)} {self.spelled(target)}", frozenset((target,)), frozenset())
        if throw < 0.18:
            return self._change()
        sql = self.query(_MOST, frozenset())
        return Written(sql, frozenset(self.reads), frozenset())

    def _kind(self, name: Name) -> str:
        return "VIEW" if name in self.world.views else "TABLE"

    def _looked_at(self) -> Name:
        """Return an object that is granted, or one in a schema of which nothing is: descriptions go by schemas."""
        schemas = {n.parent for n in self.world.granted}
        outside = [n for n in self.world.objects if n.parent not in schemas]
        return self.dice.choice(outside if self.dice.random() < self.stray else sorted(self.world.granted))

    def object(self, *, table: bool = False) -> Name:
        """Return an object, or a table, that is granted; or, as often as `stray` says, one that is not."""
        among = self.world.tables if table else self.world.objects
        inside = [n for n in among if n in self.world.granted]
        outside = [n for n in among if n not in self.world.granted]
        return self.dice.choice(outside if (self.dice.random() < self.stray and outside) or not inside else inside)

    def spelled(self, name: Name, hidden: frozenset[str] = frozenset()) -> str:
        """Return a spelling that means this object here; `hidden` names are covered where they stand alone."""
        ways: list[tuple[str, ...]] = [name.parts]
        if name.database == self.world.here[0]:
            ways.append(name.parts[1:])
        if name.parent == self.world.here and name.name not in hidden:
            ways += [name.parts[2:]] * 3
        parts = [self.part(p) for p in self.dice.choice(ways)]
        if len(parts) == 3 and name.schema == "PUBLIC" and self.dice.random() < 0.3:
            parts[1] = ""
        return self.dice.choice((".",) * 8 + (" . ", "/* . */.", ".\n")).join(parts) if all(parts) else ".".join(parts)

    def part(self, part: str) -> str:
        """Return a spelling of one stored part: quoted, or in any case where that means the same."""
        exact = '"' + part.replace('"', '""') + '"'
        if dotted((part,)) != part or self.dice.random() < 0.25:
            return exact
        return "".join(self.dice.choice((c, c.lower())) for c in part) if self.dice.random() < 0.6 else part.lower()

    def alias(self) -> str:
        """Return an alias that no other has."""
        self._aliases += 1
        return f"a{self._aliases}"

    def query(self, depth: int, visible: frozenset[str]) -> str:
        """Return a query with the three columns; `visible` are the stored names of the expressions it may use."""
        clause, seen = self._with(depth, visible) if depth > 0 and self.dice.random() < 0.3 else ("", visible)
        body = self._select(depth, seen)
        if depth > 0 and self.dice.random() < 0.2:
            word = self.dice.choice(("UNION ALL", "UNION", "EXCEPT", "INTERSECT"))
            body = f"{body} {word} {self._select(depth - 1, seen)}"
        elif self.dice.random() < 0.15:
            body = f"{body} ORDER BY 1, 2, 3"
        return clause + body

    def _with(self, depth: int, visible: frozenset[str]) -> tuple[str, frozenset[str]]:
        made: list[str] = []
        for _ in range(self.dice.choice((1, 1, 2))):
            # Often under the name of a table, which is then covered from here on, and not before.
            name = self.dice.choice([n.name for n in self.world.tables] + ["Q1", "Q2"])
            if any(text.startswith(self._exact(name) + " ") for text in made):
                continue
            made.append(f"{self._exact(name)} AS ({self._select(depth - 1, visible)})")
            visible |= {name}
        return f"WITH {', '.join(made)} ", visible

    def _exact(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def _source(self, depth: int, visible: frozenset[str]) -> str:
        throw = self.dice.random()
        if visible and throw < 0.3:
            return f"{self.part(self.dice.choice(sorted(visible)))} AS {self.alias()}"
        if depth > 0 and throw < 0.5:
            return f"({self.query(depth - 1, visible)}) {self.alias()}"
        if throw < 0.55:
            return f"(SELECT 1 AS ID, 'x' AS NAME, 2 AS AMOUNT) {self.alias()}"
        target = self.object()
        self.reads.add(target)
        return f"{self.spelled(target, visible)} {self.dice.choice(('', 'AS '))}{self.alias()}"

    def _select(self, depth: int, visible: frozenset[str]) -> str:
        first = self._source(depth, visible)
        here = [f"a{self._aliases}"]
        joins = ""
        while depth > 0 and self.dice.random() < 0.3 and len(here) < 3:
            how = self.dice.choice(("JOIN", "LEFT JOIN", ",", "CROSS JOIN"))
            source = self._source(depth - 1, visible)
            here.append(f"a{self._aliases}")
            on = f" ON {here[-1]}.ID = {here[0]}.ID" if "JOIN" in how and how != "CROSS JOIN" else ""
            joins += f" {how} {source}{on}"
            if how == ",":
                break
        grouped = self.dice.random() < 0.15
        columns = self._grouped(here[0]) if grouped else self._plain(depth, visible, here)
        return f"SELECT {columns} FROM {first}{joins}{self._rest(depth, visible, here, grouped)}"

    def _grouped(self, alias: str) -> str:
        return f"MAX({alias}.ID) AS ID, {alias}.NAME AS NAME, SUM({alias}.AMOUNT) AS AMOUNT"

    def _plain(self, depth: int, visible: frozenset[str], here: list[str]) -> str:
        number = self._number(depth, visible, here)
        name = self.dice.choice(("{}.NAME", "UPPER({}.NAME)", "COALESCE({}.NAME, 'none')", "{}.NAME || '!'"))
        distinct = "DISTINCT " if self.dice.random() < 0.1 else ""
        return f"{distinct}{here[0]}.ID AS ID, {name.format(here[-1])} AS NAME, {number} AS AMOUNT"

    def _number(self, depth: int, visible: frozenset[str], here: list[str]) -> str:
        column = f"{self.dice.choice(here)}.{self.dice.choice(('ID', 'AMOUNT'))}"
        if depth > 0 and self.dice.random() < 0.25:
            inner = self.query(depth - 1, visible)
            other = self.alias()
            return f"(SELECT MAX({other}.ID) FROM ({inner}) {other} WHERE {other}.ID <= {column})"
        ways = ("{}", "ABS({})", "{} + 1", "CASE WHEN {} > 2 THEN 1 ELSE 0 END", "COALESCE({}, 0)", "-{}")
        return self.dice.choice(ways).format(column)

    def _condition(self, depth: int, visible: frozenset[str], here: list[str]) -> str:
        if depth == 0 or self.dice.random() < 0.4:
            return f"{self._number(0, visible, here)} {self.dice.choice(('>', '<>', '<='))} {self.dice.randrange(5)}"
        inner, other = self.query(depth - 1, visible), self.alias()
        return self.dice.choice(
            (
                f"EXISTS (SELECT 1 FROM ({inner}) {other} WHERE {other}.ID = {here[0]}.ID)",
                f"{here[0]}.ID IN (SELECT {other}.ID FROM ({inner}) {other})",
                f"NOT {here[0]}.ID > ALL (SELECT {other}.ID FROM ({inner}) {other})",
                f"(SELECT COUNT(*) FROM ({inner}) {other}) > 0",
            )
        )

    def _rest(self, depth: int, visible: frozenset[str], here: list[str], grouped: bool) -> str:
        text = f" WHERE {self._condition(depth, visible, here)}" if self.dice.random() < 0.4 else ""
        if grouped:
            text += f" GROUP BY {here[0]}.NAME"
            text += f" HAVING COUNT(*) > {self.dice.randrange(2)}" if self.dice.random() < 0.5 else ""
        elif self.dice.random() < 0.08:
            text += f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {here[0]}.NAME ORDER BY {here[0]}.ID, {here[-1]}.ID) = 1"
        return text

    def _change(self) -> Written:
        target = self.object(table=True)
        ways: tuple[Callable[[str], str], ...] = (self._insert, self._update, self._delete, self._merge)
        sql = self.dice.choice(ways)(self.spelled(target))
        return Written(sql, frozenset(self.reads), frozenset((target,)))

    def _insert(self, target: str) -> str:
        return f"INSERT INTO {target} {self.query(1, frozenset())}"

    def _update(self, target: str) -> str:
        return f"UPDATE {target} SET AMOUNT = 1 WHERE ID IN (SELECT q.ID FROM ({self.query(1, frozenset())}) q)"

    def _delete(self, target: str) -> str:
        return f"DELETE FROM {target} WHERE ID IN (SELECT q.ID FROM ({self.query(1, frozenset())}) q)"

    def _merge(self, target: str) -> str:
        source = self.query(1, frozenset())
        return f"MERGE INTO {target} t USING ({source}) s ON t.ID = s.ID WHEN MATCHED THEN UPDATE SET AMOUNT = s.AMOUNT"
