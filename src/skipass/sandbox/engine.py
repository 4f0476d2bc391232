"""DuckDB behind the account: one database, a cursor for each statement, one writer at a time, no way out.

SQL reaches neither files nor the network nor DuckDB's own settings once `seal` was called. DuckDB's error texts stay
in here: callers get the vendor's failures.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from skipass.sandbox import failures, macros
from skipass.sandbox.engineerrors import translate


class Engine:
    """The rows of one account."""

    def __init__(self, path: Path | None = None) -> None:
        options: dict[str, str | bool | int | float | list[str]] = {
            "threads": 2,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }
        self._root = duckdb.connect(str(path) if path else ":memory:", config=options)
        self._root.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL explain_output = 'all'")
        for statement in macros.statements():
            self._root.execute(statement)
        self._lock = threading.Lock()

    def seal(self) -> None:
        """Take file, network and configuration access away for good; nothing can give it back.

        A cursor's own time zone stays free, and `Run.use_zone` is what sets it.
        """
        self._root.execute("SET enable_external_access = false; SET allowed_configs = ['TimeZone']")
        self._root.execute("SET lock_configuration = true")

    @property
    def root(self) -> Any:
        """The connection that loads data before `seal`."""
        return self._root

    def open(self) -> Run:
        """Return a cursor of its own for one request."""
        return Run(self._root.cursor(), self._lock)

    def next_value(self, sequence: str) -> int:
        """Return the value that a stored sequence gives next, without taking it."""
        query = (
            "SELECT coalesce(last_value + increment_by, start_value) FROM duckdb_sequences() WHERE sequence_name = ?"
        )
        row = self._root.cursor().execute(query, [sequence]).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close the database."""
        self._root.close()


class Run:
    """One request's cursor; `stop` may come from any thread, everything else from one."""

    def __init__(self, cursor: Any, lock: threading.Lock) -> None:
        self._cursor = cursor
        self._lock = lock
        self._writing = False
        self._stopped = threading.Event()
        self._endings: list[Callable[[bool], None]] = []
        self.stopped_by: failures.Failure | None = None

    def stop(self, why: failures.Failure) -> None:
        """Interrupt what runs and refuse what would run next; the first reason given stays."""
        self.stopped_by = self.stopped_by or why
        self._stopped.set()
        with suppress(duckdb.ConnectionException):  # it ended in this very moment
            self._cursor.interrupt()

    def use_zone(self, zone: str) -> None:
        """Read and show times with a local clock in that zone, a name that `zones` knows."""
        self._cursor.execute(f"SET TimeZone = '{zone}'")

    def wait(self, seconds: float) -> None:
        """Sleep that long, or raise as soon as the run is stopped."""
        if self._stopped.wait(seconds):
            self._check()

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run DuckDB SQL and return all rows."""
        self._check()
        try:
            rows: list[tuple[Any, ...]] = self._cursor.execute(sql).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        self._check()
        return rows

    def stream(self, sql: str, size: int = 2000) -> Iterator[list[tuple[Any, ...]]]:
        """Run DuckDB SQL and yield its rows in lists of at most `size`."""
        self._check()
        try:
            answer = self._cursor.execute(sql)
            while rows := answer.fetchmany(size):
                self._check()
                yield rows
        except duckdb.Error as error:
            raise self._failure(error) from None

    def described(self, sql: str) -> list[tuple[str, str]]:
        """Return name and DuckDB type of each column of a query."""
        return [(str(row[0]), str(row[1])) for row in self.execute(f"DESCRIBE {sql}")]

    def scanned(self, sql: str) -> set[str]:
        """Return the stored tables in DuckDB's own bound plan of a statement."""
        found: set[str] = set()
        for name, plan in self.execute(f"EXPLAIN (FORMAT JSON) {sql}"):
            if name == "logical_plan" or not found:
                _collect(json.loads(plan), found)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the account's write lock and commit at the end, or roll back on any failure."""
        if self._writing:
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def begin(self) -> None:
        """Take the write lock (stoppable while waiting) and start a transaction."""
        while not self._lock.acquire(timeout=0.02):
            self._check()
        self._writing = True
        self._cursor.execute("BEGIN")

    def commit(self) -> None:
        """Commit and let the next writer in."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Undo and let the next writer in."""
        self._end("ROLLBACK")

    def close(self) -> None:
        """Undo what was not committed and give the cursor back."""
        if self._writing:
            self.rollback()
        self._cursor.close()

    def at_end(self, told: Callable[[bool], None]) -> None:
        """Have the end of the transaction told, True for a commit, before the next writer is let in."""
        self._endings.append(told)

    @property
    def writing(self) -> bool:
        """Whether a transaction is open."""
        return self._writing

    def _end(self, verb: str) -> None:
        endings, self._endings = self._endings, []
        done = False
        try:
            self._cursor.execute(verb)
            done = verb == "COMMIT"
        except duckdb.Error as error:
            raise self._failure(error) from None
        finally:
            try:
                for told in endings:
                    told(done)
            finally:
                self._writing = False
                self._lock.release()

    def _check(self) -> None:
        if self.stopped_by is not None:
            raise self.stopped_by

    def _failure(self, error: Exception) -> failures.Failure:
        if self.stopped_by is not None:
            return self.stopped_by
        return translate(error)


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for one in node:
            _collect(one, found)
    elif isinstance(node, dict):
        extra = node.get("extra_info")
        table = extra.get("Table") if isinstance(extra, dict) else None
        if isinstance(table, str):
            found.add(table.rsplit(".", 1)[-1].strip('"'))
        _collect(node.get("children"), found)
