"""A finished statement's columns and cells, in the SQL API's own types; every cell is text or None.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Row = list[str | None]
MAX_TEXT = 16_777_216


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One entry of `rowType`; a column that is no plain table column has empty origin names."""

    name: str
    type: str
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    nullable: bool = True
    origin: tuple[str, str, str] = ("", "", "")

    def as_json(self) -> dict[str, object]:
        """Return the member of `rowType`."""
        database, schema, table = self.origin
        return {
            "name": self.name,
            "database": database,
            "schema": schema,
            "table": table,
            "type": self.type,
            "scale": self.scale,
            "precision": self.precision,
            "length": self.length,
            "byteLength": self.length,
            "nullable": self.nullable,
            "collation": None,
        }


@dataclass(slots=True)
class Result:
    """Columns, rows and, for DML, the four counts of `stats`."""

    columns: list[ResultColumn]
    rows: list[Row]
    stats: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a DML statement touched."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    multi_joined: int = 0

    def stats(self) -> dict[str, int]:
        """Return the member `stats` of the answer."""
        return {
            "numRowsInserted": self.inserted,
            "numRowsUpdated": self.updated,
            "numRowsDeleted": self.deleted,
            "numDuplicateRowsUpdated": self.multi_joined,
        }


def text_column(name: str, length: int = MAX_TEXT) -> ResultColumn:
    """Return a VARCHAR column without an origin."""
    return ResultColumn(name, "text", length=length)


def number_column(name: str) -> ResultColumn:
    """Return a NUMBER(38,0) column without an origin."""
    return ResultColumn(name, "fixed", precision=38, scale=0, nullable=False)


def time_column(name: str) -> ResultColumn:
    """Return a TIMESTAMP_LTZ(3) column, as SHOW has them."""
    return ResultColumn(name, "timestamp_ltz", precision=0, scale=3)


def status(text: str) -> Result:
    """Return the one row that DDL answers with."""
    return Result([text_column("status")], [[text]])


def dml(counts: Counts, names: Sequence[str]) -> Result:
    """Return the row of counts that DML answers with; `names` are inserted, updated, deleted or multi-joined."""
    fields = {
        "inserted": ("number of rows inserted", counts.inserted),
        "updated": ("number of rows updated", counts.updated),
        "deleted": ("number of rows deleted", counts.deleted),
        "multi_joined": ("number of multi-joined rows updated", counts.multi_joined),
    }
    chosen = [fields[name] for name in names]
    row: Row = [str(count) for _, count in chosen]
    return Result([number_column(label) for label, _ in chosen], [row], counts.stats())


def instant(at: datetime | None) -> str | None:
    """Return the cell of a TIMESTAMP_LTZ(3)."""
    return None if at is None else f"{at.timestamp():.3f}"


@dataclass(slots=True)
class Listing:
    """Builds a SHOW-like result from named columns: `t:` before a name makes it a timestamp, `n:` a number."""

    names: Sequence[str]
    rows: list[Row] = field(default_factory=list)

    def add(self, values: Iterable[object]) -> None:
        """Append a row; datetimes become cells, None stays None, everything else its text."""
        self.rows.append([instant(v) if isinstance(v, datetime) else None if v is None else str(v) for v in values])

    def result(self) -> Result:
        """Return the result as built so far."""
        makers = {"t": time_column, "n": number_column}
        columns = []
        for name in self.names:
            kind, _, bare = name.rpartition(":")
            columns.append(makers[kind](bare) if kind else text_column(bare))
        return Result(columns, self.rows)


def widened(result: Result) -> Result:
    """Return a listing with its columns in another order and one that nobody knows yet: lists grow over time."""
    extra = text_column("added_since")
    return Result([extra, *reversed(result.columns)], [[None, *reversed(row)] for row in result.rows])
