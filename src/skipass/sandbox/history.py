"""What a table held at an earlier moment: which of its kept versions, or a refusal; and the clauses AT and BEFORE.

Values in, values out. Copies are made in `versions`; who may read the table is decided elsewhere. A moment whose rows
were given up is refused, never answered with rows of another time.
Source: https://docs.snowflake.com/en/sql-reference/constructs/at-before, .../user-guide/data-time-travel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.catalog import Table
from skipass.sandbox.columns import Version
from skipass.sandbox.statements import Statement

Evaluate = Callable[[Any, str], Any]
_ZONED = re.compile(r"([+-]\d\d:?\d\d|[Zz])\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Find = Callable[[str], Statement | None]


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time; `after` includes what happened in that very moment, or what `statement` changed.

    Only the changes of a statement from before a restart are known, so that it has no time of its own.
    """

    at: datetime | None
    after: bool
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """How a statement looks back: `read` takes an AT or BEFORE clause, `state` a table and a moment."""

    read: Callable[[Any], Moment]
    state: Callable[[Table, Moment], Table]


def read(clause: Any, evaluate: Evaluate, find: Find, now: datetime) -> Moment:
    """Return the moment that a clause names; `evaluate` gives what a shape makes of an expression."""
    after, kind = str(clause.this).upper() == "AT", str(clause.args["kind"]).upper()
    wanted = clause.expression
    if kind == "OFFSET":
        return Moment(_offset(evaluate(wanted, "CAST({} AS DOUBLE)"), now), after)
    if kind == "TIMESTAMP":
        return Moment(_time(evaluate(wanted, _instant(wanted))), after)
    if kind == "STATEMENT":
        return _statement(str(evaluate(wanted, "CAST({} AS VARCHAR)")), after, find)
    raise failures.unsupported(f"time travel to a {kind}")


def _instant(value: Any) -> str:
    """Text without a zone is UTC here, whatever the session's zone is."""
    zoned = isinstance(value, exp.Literal) and _ZONED.search(value.name)
    if isinstance(value, exp.Literal) and not zoned:
        return "epoch_us(CAST({} AS TIMESTAMP))"
    return "epoch_us(CAST({} AS TIMESTAMPTZ))" if zoned else "epoch_us({})"


def _offset(seconds: Any, now: datetime) -> datetime:
    try:
        return now + timedelta(seconds=float(seconds))
    except (TypeError, ValueError, OverflowError):
        raise failures.unsupported("OFFSET that is no number of seconds") from None


def _time(micros: Any) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except (TypeError, OverflowError):
        raise failures.unsupported("TIMESTAMP that is no time") from None


def _statement(handle: str, after: bool, find: Find) -> Moment:
    """A statement's changes are found by its id; of one that changed nothing, its time counts."""
    found = find(handle)
    if found is None:
        return Moment(None, after, handle)
    return Moment((found.ended or found.started) if after else found.started, after, handle)


def state(table: Table, moment: Moment, now: datetime, pending: Sequence[Version] = ()) -> Table:
    """Return the table with the rows and columns it had; 000707 if they are out of reach or were never there.

    `pending` are the versions of a transaction that is still open.
    """
    versions = (*table.versions, *pending)
    index = _index(versions, moment, table, now)
    if index == len(versions):
        return table
    found = versions[index]
    if found.until < now - timedelta(days=table.retention_days):
        raise failures.beyond_retention(table.name.name)
    return replace(table, physical=found.physical, columns=list(found.columns))


def _index(versions: Sequence[Version], moment: Moment, table: Table, now: datetime) -> int:
    own = [index for index, one in enumerate(versions) if moment.statement and one.statement == moment.statement]
    if own:
        return own[-1] + 1 if moment.after else own[0]
    if moment.at is None:
        raise failures.unknown_handle(moment.statement)
    if not _reach(table, now) <= moment.at <= now:
        raise failures.beyond_retention(table.name.name)
    for index, one in enumerate(versions):
        if one.until > moment.at or (one.until == moment.at and not moment.after):
            return index
    return len(versions)


def _reach(table: Table, now: datetime) -> datetime:
    oldest = max(table.created, now - timedelta(days=table.retention_days))
    return max(oldest, table.kept_from) if table.kept_from is not None else oldest
