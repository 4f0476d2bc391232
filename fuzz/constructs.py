"""Snowflake's own constructs, filled at random: each place of each that takes a table or a query gets one.

The templates follow the documentation's syntax, and the names they were filled with are the truth about a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from fuzz.catalogue import Name, World, dotted
from fuzz.grammar import Tally, by_truth, truth_figures, verdict_of, worlds
from fuzz.report import Figure, Sample, tell
from fuzz.templates import BLOCKS, CHAINS, CHANGES, CONDITIONS, QUERIES, VALUES
from fuzz.writer import Writer, Written
from skipass.nouns.verdict import Outcome

_SLOT = re.compile(r"<([tnwqec])>")
_DEEPEST = 3


@dataclass(slots=True)
class Constructs:
    """Fills one statement; `stray` is how often a name is picked from outside what is granted."""

    dice: Random
    world: World
    stray: float
    _writer: Writer = field(init=False)
    _writes: set[Name] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._writer = Writer(self.dice, self.world, self.stray)

    def statement(self) -> Written:
        """Return a query, or now and then a chain of them or a change, with the objects it names."""
        throw = self.dice.random()
        forms = CHANGES if throw < 0.2 else CHAINS if throw < 0.3 else QUERIES
        sql = self._filled(self.dice.choice(forms), _DEEPEST)
        return Written(sql, frozenset(self._writer.reads), frozenset(self._writes))

    def block(self) -> str:
        """Return a text that has to be refused whatever it names."""
        return self._filled(self.dice.choice(BLOCKS), 2)

    def _filled(self, template: str, depth: int) -> str:
        return _SLOT.sub(lambda slot: self._piece(slot[1], depth), template)

    def _piece(self, slot: str, depth: int) -> str:
        if slot in "tnw":
            return self._named(slot)
        forms = {"q": QUERIES, "e": VALUES, "c": CONDITIONS}[slot]
        simple = {"q": "SELECT id FROM <t>", "e": "id", "c": "id > 1"}[slot]
        return self._filled(self.dice.choice(forms) if self.dice.random() < depth / _DEEPEST else simple, depth - 1)

    def _named(self, slot: str) -> str:
        name = self._writer.object(table=slot == "w")
        (self._writes if slot == "w" else self._writer.reads).add(name)
        return dotted(name.parts) if slot == "n" else self._writer.spelled(name)


def run(seed: int, count: int) -> list[Figure]:
    """Fill `count` statements and hold what the guard makes of them against the names they were filled with."""
    tally, through, blocks = Tally(), Sample(), 0
    for case, world, written in worlds(seed, count, lambda *given: Constructs(*given).statement()):
        for one in written:
            by_truth(tally, f"{case} {one.sql!r}", world, one, verdict_of(world, one.sql))
        dice = Random(case)  # noqa: S311 - replayable dice, nothing secret
        for _ in written:
            sql, blocks = Constructs(dice, world, 0).block(), blocks + 1
            if verdict_of(world, sql).outcome is not Outcome.DENY:
                through.take(f"{case} {sql!r}")
    tell(f"constructs: {tally.statements} statements of Snowflake's own syntax, {blocks} of code, seed {seed}")
    code = Figure("constructs: code, variables and results not refused", through.count, 0, blocks, through.kept)
    return [*truth_figures(tally, "constructs"), code]
