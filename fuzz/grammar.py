"""Random statements over random catalogues, held against three judges that share nothing with the guard's resolver.

The writer knows which objects it named. The narrow role of the sandbox refuses what it may not read. DuckDB, which
parses and binds by itself, says what a text scans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from fuzz.catalogue import World, build, dotted
from fuzz.report import Figure, Sample, tell
from fuzz.wall import Plans, Wall
from fuzz.writer import Writer, Written
from skipass.access.sqlguard import check
from skipass.nouns.verdict import Outcome, Verdict

_EACH = 40


@dataclass(slots=True)
class Tally:
    """What has been seen so far."""

    statements: int = 0
    inside: int = 0
    let_out: Sample = field(default_factory=Sample)
    misread: Sample = field(default_factory=Sample)
    kept_in: Sample = field(default_factory=Sample)
    judged: int = 0
    allowed: int = 0
    refused_later: Sample = field(default_factory=Sample)
    other_rows: Sample = field(default_factory=Sample)
    scanned: int = 0
    scans_outside: Sample = field(default_factory=Sample)
    denied: int = 0
    ran_though_denied: Sample = field(default_factory=Sample)
    leaked: Sample = field(default_factory=Sample)


Write = Callable[[Random, World, float], Written]


def worlds(seed: int, count: int, write: Write) -> Iterator[tuple[str, World, list[Written]]]:
    """Yield worlds with their statements, `count` statements in all, each with the seed that replays it."""
    for number in range(-(-count // _EACH)):
        name = f"{seed}:{number}"
        dice = Random(name)  # noqa: S311 - replayable dice, nothing secret
        world = build(dice)
        amount = min(_EACH, count - number * _EACH)
        yield name, world, [write(dice, world, dice.choice((0, 0, 0.3))) for _ in range(amount)]


def verdict_of(world: World, sql: str) -> Verdict:
    """Return the guard's verdict where the world's session stands."""
    database, schema = (dotted((part,)) for part in world.here)
    return check(sql, world.scope, database=database, schema=schema)


def by_truth(tally: Tally, case: str, world: World, one: Written, verdict: Verdict) -> None:
    """Hold a verdict against what its text was written with."""
    tally.statements += 1
    if one.inside(world.granted):
        tally.inside += 1
        if verdict.outcome is not Outcome.ALLOW:
            tally.kept_in.take(f"{case} {[r.message for r in verdict.reasons]}")
    elif verdict.outcome is Outcome.ALLOW:
        tally.let_out.take(case)
    named = {str(n) for n in one.reads | one.writes}
    if set(verdict.reads) | set(verdict.writes) != named:
        tally.misread.take(f"{case}: {verdict.reads} {verdict.writes}, written {sorted(named)}")


def _by_wall(tally: Tally, case: str, world: World, wall: Wall, one: Written, verdict: Verdict) -> None:
    tally.judged += 1
    if verdict.outcome is Outcome.ALLOW and verdict.text is not None:
        tally.allowed += 1
        # What is sent must not depend on where the login stands: run it elsewhere, the original here.
        sent = wall.run(verdict.text, world.elsewhere)
        if sent.refused or sent.leaks:
            tally.refused_later.take(f"{case}: {sent.message}")
        if sent.ran and not one.writes and wall.run(one.sql, world.here).rows != sent.rows:
            tally.other_rows.take(f"{case}: {verdict.text!r}")
        return
    tally.denied += 1
    answer = wall.run(one.sql, world.here)
    if answer.leaks:
        tally.leaked.take(case)
    elif answer.ran:
        tally.ran_though_denied.take(case)


def _by_plan(tally: Tally, case: str, world: World, plans: Plans, verdict: Verdict) -> None:
    scans = plans.scans(verdict.text or "") if verdict.outcome is Outcome.ALLOW else None
    if scans is None:
        return
    tally.scanned += 1
    if not scans <= world.granted or not {str(n) for n in scans} <= {*verdict.reads, *verdict.writes}:
        tally.scans_outside.take(f"{case}: {sorted(map(str, scans))}")


def run(seed: int, count: int, judged: int) -> list[Figure]:
    """Write `count` statements; the first `judged` of them are also run and planned."""
    tally = Tally()
    for name, world, written in worlds(seed, count, lambda *given: Writer(*given).statement()):
        wall = Wall(world) if tally.judged < judged else None
        plans = Plans(world) if wall is not None and not world.twins else None
        for one in written:
            case, verdict = f"{name} {one.sql!r}", verdict_of(world, one.sql)
            by_truth(tally, case, world, one, verdict)
            if plans is not None:
                _by_plan(tally, case, world, plans, verdict)
            if wall is not None:
                _by_wall(tally, case, world, wall, one, verdict)
        for judge in (wall, plans):
            if judge is not None:
                judge.close()
    tell(f"grammar: {tally.statements} statements over random catalogues, {tally.judged} of them run, seed {seed}")
    return _figures(tally)


def truth_figures(tally: Tally, part: str) -> list[Figure]:
    """Return what was counted by `by_truth`."""
    rows: tuple[tuple[str, Sample, float, int], ...] = (
        ("statements allowed that name something outside", tally.let_out, 0, tally.statements),
        ("statements whose objects were read otherwise than written", tally.misread, 0, tally.statements),
        ("statements wholly inside that were not allowed", tally.kept_in, 0.01, tally.inside),
    )
    return [Figure(f"{part}: {name}", sample.count, floor, total, sample.kept) for name, sample, floor, total in rows]


def _figures(tally: Tally) -> list[Figure]:
    rows: tuple[tuple[str, Sample, float, int], ...] = (
        ("allowed statements that the narrow role refused", tally.refused_later, 0, tally.allowed),
        ("allowed reads whose sent text gave other rows", tally.other_rows, 0, tally.allowed),
        ("allowed statements whose bound plan scans something else", tally.scans_outside, 0, tally.scanned),
        ("denied statements that the narrow role ran: read inside only", tally.ran_though_denied, 0.01, tally.judged),
        ("denied statements that the narrow role ran: rows leaked", tally.leaked, 0, tally.denied),
    )
    judged = [Figure(name, sample.count, floor, total, sample.kept) for name, sample, floor, total in rows]
    return [*truth_figures(tally, "written"), *judged]
