"""The record read straight out of a SQLite file, for whoever verifies or exports it; never writes, needs no gateway."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from skipass.audit.chain import Record
from skipass.errors import SkipassError
from skipass.storage import queries

_COLUMNS = tuple(field.name for field in fields(Record))


def records(path: Path) -> Iterator[Record]:
    """Yield every record, ordered by sequence within each chain; raises `not_initialised` for what is no database of ours.

    A running gateway is not disturbed: the reader sees one state of the database, as of its first row.
    """
    if not path.is_file():
        raise SkipassError("not_initialised", f"There is no database at {path}.", "Name it, or its --home.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            for row in connection.execute(queries.ALL_EVENTS):
                yield Record(**{name: row[name] for name in _COLUMNS})
    except sqlite3.Error as error:
        raise SkipassError("chain_broken", f"{path} cannot be read as a database of skipass: {error}.") from None
