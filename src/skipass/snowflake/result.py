"""A finished statement's rows, checked for completeness, decoded when asked for.

Knows no connection: everything has been fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.sqlapi.answers import Finished
from skipass.snowflake.sqlapi.values import Cell, Column, decode_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from skipass.snowflake.arrow.batches import Batches

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

    def iter_batches(
        self, *, timestamp_unit: Literal["ns", "us"] = "ns", keep_offsets: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order as Arrow record batches, one for each partition (types: `arrow.schema`)."""
        batches = arrow_batches(self.columns, self.parameters, timestamp_unit, keep_offsets)
        return map(batches.of_rows, self.partitions)

    def fetch_arrow(self, *, timestamp_unit: Literal["ns", "us"] = "ns", keep_offsets: bool = False) -> pa.Table:
        """Return the rows as one Arrow table; repeated column names stay as they are."""
        batches = arrow_batches(self.columns, self.parameters, timestamp_unit, keep_offsets)
        return batches.table([batches.of_rows(part) for part in self.partitions])

    def to_pandas(self, **options: Any) -> Any:
        """Return the rows as a pandas DataFrame (`arrow.frames.to_pandas`)."""
        table = self.fetch_arrow()
        from skipass.snowflake.arrow import frames

        return frames.to_pandas(table, **options)

    def to_polars(self) -> Any:
        """Return the rows as a polars DataFrame (`arrow.frames.to_polars`)."""
        table = self.fetch_arrow()
        from skipass.snowflake.arrow import frames

        return frames.to_polars(table)

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries by column name; a repeated name goes on as `NAME_2`, so no column is lost."""
        names = distinct([column.name for column in self.columns])
        return [dict(zip(names, row, strict=True)) for row in self.rows()]


def complete_result(
    finished: Finished, partitions: Sequence[Sequence[Sequence[Cell]]], parameters: Mapping[str, object]
) -> Result:
    """Return the result of all partitions, which have been counted."""
    total = sum(len(part) for part in partitions)
    cap = _cap(parameters)
    return Result(
        finished.statement_handle,
        finished.columns,
        tuple(partitions),
        parameters,
        finished.stats,
        finished.statement_handles,
        complete=cap == 0 or total < cap,
    )


def arrow_batches(
    columns: Sequence[Column],
    parameters: Mapping[str, object],
    timestamp_unit: Literal["ns", "us"],
    keep_offsets: bool,
) -> Batches:
    """Return what makes record batches of a result's partitions; without pyarrow a `SnowflakeConfigError`."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise SnowflakeConfigError("pyarrow is not installed.", hint="pip install 'skipass[arrow]'") from None
    from skipass.snowflake.arrow.batches import Batches
    from skipass.snowflake.arrow.schema import ArrowTypes

    return Batches(columns, parameters, ArrowTypes(timestamp_unit, keep_offsets))


def _cap(parameters: Mapping[str, object]) -> int:
    wanted = {name.lower(): value for name, value in parameters.items()}
    text = str(wanted.get("rows_per_resultset", 0))
    return int(text) if text.isdigit() else 0


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names with repeated ones told apart: `NAME`, `NAME_2`, `NAME_3`."""
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
