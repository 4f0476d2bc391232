"""The SQLite executor: connections with the settings that durability needs, and coroutines driven without a loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from skipass.storage.unit import Duplicate

T = TypeVar("T")


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection in WAL mode that commits to disk before it says so; transactions are begun by hand."""
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=1.5)
    connection.row_factory = sqlite3.Row
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -20000")
    return connection


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that awaits nothing but this executor to its end, and return its result."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a unit of work awaited something that is not its transaction")


class SqliteExecutor:
    """Satisfies `skipass.storage.unit.Executor`; never suspends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [dict(row) for row in self._connection.execute(sql, dict(parameters))]

    async def run(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Return how many rows a change touched."""
        try:
            return self._connection.execute(sql, dict(parameters)).rowcount
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname not in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
                raise
            raise Duplicate(str(error)) from None
