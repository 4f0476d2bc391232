"""The shape of a table: its columns, its keys, and what it was before it changed.

Values only. Where rows lie is the engine's, what may be read of earlier times is decided in `history`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from skipass.sandbox.names import TableName


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is spelled as `NUMBER(38,0)`; `default` is SQL text, `identity` a stored sequence."""

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    comment: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A key, kept and not enforced: `kind` is PRIMARY KEY, UNIQUE or FOREIGN KEY, which has a target."""

    kind: str
    name: str
    columns: tuple[str, ...]
    target: TableName | None = None
    target_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """The rows and columns of a table as they were until `until`, when the statement changed them."""

    statement: str
    until: datetime
    columns: tuple[Column, ...]
    physical: str
    size_bytes: int
