"""The record read straight out of a SQLite file, for whoever verifies or exports it; never writes, needs no gateway."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

from skipass.audit.chain import Record
from skipass.errors import SkipassError
from skipass.storage import queries

_COLUMNS = tuple(field.name for field in fields(Record))
_NUMBERS = ("seq", "at_us")


def records(path: Path) -> Iterator[Record]:
    """Yield every record, ordered by sequence within each chain; raises `not_initialised` where there is no file.

    A running gateway is not disturbed: the reader sees one state of the database, as of its first row.
    """
    if not path.is_file():
        raise SkipassError("not_initialised", f"There is no database at {path}.", "Name it, or its --home.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            for row in connection.execute(queries.ALL_EVENTS):
                yield record_from(dict(row))
    except sqlite3.Error as error:
        raise SkipassError("chain_broken", f"{path} cannot be read as a database of skipass: {error}.") from None


def record_from(shape: Mapping[str, Any]) -> Record:
    """Return the record of a row or an exported object; raises `chain_broken` unless it has a record's shape."""
    fields_: dict[str, Any] = {name: shape.get(name) for name in _COLUMNS}
    wrong = [name for name, value in fields_.items() if not _fits(name, value)]
    if wrong:
        where = f"Record {fields_['seq']!r} of writer {fields_['writer']!r}"
        raise SkipassError("chain_broken", f"{where} is not of a record's shape: {', '.join(wrong)}.")
    return Record(**fields_)


def _fits(name: str, value: object) -> bool:
    if name == "session_id" and value is None:
        return True
    return type(value) is (int if name in _NUMBERS else str)
