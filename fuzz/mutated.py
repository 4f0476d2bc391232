"""Mutated denied statements: none may come out allowed; of the held ones, none may run without a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from fuzz.grafts import grafted
from fuzz.labels import DATABASE, GRANT, SCHEMA, Row, rows
from fuzz.mutations import KEEPING, MOVING, Mutation
from fuzz.report import Figure, Sample, tell
from skipass.access.sqlguard import check
from skipass.nouns.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Attempt:
    """A text that has to be refused (`floor` deny) or held at least (`floor` review), and the row it came from."""

    sql: str
    floor: Outcome
    origin: str


def attempts(dice: Random, count: int) -> Iterator[Attempt]:
    """Yield that many attempts: a third are allowed statements with something forbidden grafted in."""
    labelled = rows()
    refused = [r for r in labelled if r.accept == {"deny"} and len(r.sql) < 4000]
    held = [r for r in labelled if r.accept <= {"deny", "review"} and r.accept != {"deny"}]
    allowed = [r for r in labelled if r.accept == {"allow"} and r.kind == "read" and len(r.sql) < 4000]
    for _ in range(count):
        throw = dice.random()
        if throw < 0.35:
            row = dice.choice(allowed)
            sql = grafted(dice, row.sql)
            yield Attempt(_changed(dice, sql, KEEPING, dice.choice((0, 0, 1, 2))), Outcome.REVIEW, row.id)
        elif throw < 0.9:
            row = dice.choice(refused)
            yield Attempt(_refused(dice, row), Outcome.DENY, row.id)
        else:
            row = dice.choice(held)
            yield Attempt(_changed(dice, row.sql, KEEPING, dice.choice((1, 2, 3))), Outcome.REVIEW, row.id)


def _refused(dice: Random, row: Row) -> str:
    # In brackets a text that is no statement, or one word, may become the name of a table.
    whole = row.kind != "unparseable" and len(row.sql.split()) > 1
    ways = (*KEEPING, *MOVING, *MOVING) if whole else KEEPING
    return _changed(dice, row.sql, ways, dice.choice((1, 1, 2, 3, 4)))


def _changed(dice: Random, sql: str, ways: tuple[Mutation, ...], times: int) -> str:
    for _ in range(times):
        if len(sql) < 20_000:
            sql = dice.choice(ways)(dice, sql)
    return sql


def run(seed: int, count: int) -> list[Figure]:
    """Check `count` attempts and return how many came out allowed, and how many refused ones were only held."""
    dice = Random(seed)  # noqa: S311 - replayable dice, nothing secret
    through, softer, made = Sample(), Sample(), 0
    for attempt in attempts(dice, count):
        made += 1
        outcome = check(attempt.sql, GRANT, database=DATABASE, schema=SCHEMA).outcome
        if outcome is Outcome.ALLOW:
            through.take(f"{attempt.origin} {attempt.sql!r}")
        elif outcome is Outcome.REVIEW and attempt.floor is Outcome.DENY:
            softer.take(f"{attempt.origin} {attempt.sql!r}")
    tell(f"mutated: {made} texts, seed {seed}")
    return [
        Figure("mutated statements allowed", through.count, 0, made, through.kept),
        Figure("mutated denied statements held for a person instead", softer.count, None, made, softer.kept),
    ]
