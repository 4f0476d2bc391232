"""A finished statement's rows, checked for completeness, decoded when asked for.

Knows no connection: everything has been fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skipass.snowflake.errors import IncompleteResultError
from skipass.snowflake.sqlapi.answers import Finished
from skipass.snowflake.sqlapi.values import Cell, Column, decode_rows

_CHANGES = ("numRowsInserted", "numRowsUpdated", "numRowsDeleted")


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of one statement.

    `complete` is False when the request capped the rows (`rows_per_resultset`) and the cap was reached.
    `statement_handles` lists the parts of a multi-statement request. `stats` are Snowflake's counts of changed rows.
    """

    statement_handle: str
    columns: tuple[Column, ...]
    partitions: tuple[Sequence[Sequence[Cell]], ...] = field(repr=False)
    parameters: Mapping[str, object] = field(default_factory=dict)
    stats: Mapping[str, int] = field(default_factory=dict)
    statement_handles: tuple[str, ...] = ()
    complete: bool = True

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return sum(len(partition) for partition in self.partitions)

    @property
    def rows_changed(self) -> int | None:
        """Rows inserted, updated and deleted together; None for a statement that changes none."""
        found = [self.stats[name] for name in _CHANGES if name in self.stats]
        return sum(found) if found else None

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows in order as tuples of Python values (`sqlapi.values`)."""
        return [row for part in self.partitions for row in decode_rows(self.columns, part, self.parameters)]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries by column name; a repeated name goes on as `NAME_2`, so no column is lost."""
        names = _distinct([column.name for column in self.columns])
        return [dict(zip(names, row, strict=True)) for row in self.rows()]


def complete_result(
    finished: Finished, rest: Sequence[Sequence[Sequence[Cell]]], parameters: Mapping[str, object]
) -> Result:
    """Return the result of all partitions, or raise `IncompleteResultError` when a count is not the announced one."""
    partitions = (finished.rows, *rest)
    announced = [info.row_count for info in finished.partitions] or [len(finished.rows)]
    total = sum(len(part) for part in partitions)
    if [len(part) for part in partitions] != announced or finished.num_rows not in (None, total):
        expected = sum(announced) if finished.num_rows is None else finished.num_rows
        text = f"{total} rows came, {expected} were announced."
        raise IncompleteResultError(text, statement_handle=finished.statement_handle)
    cap = _cap(parameters)
    return Result(
        finished.statement_handle,
        finished.columns,
        partitions,
        parameters,
        finished.stats,
        finished.statement_handles,
        complete=cap == 0 or total < cap,
    )


def _cap(parameters: Mapping[str, object]) -> int:
    wanted = {name.lower(): value for name, value in parameters.items()}
    text = str(wanted.get("rows_per_resultset", 0))
    return int(text) if text.isdigit() else 0


def _distinct(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    distinct = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        distinct.append(candidate)
    return distinct
