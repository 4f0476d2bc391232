"""Accepted statements by handle: their state, result in partitions, and the row they have in the query history.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses.
"""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from skipass.sandbox.engine import Run
from skipass.sandbox.failures import Failure
from skipass.sandbox.results import ResultColumn, Row
from skipass.sandbox.session import Session


@dataclass(frozen=True, slots=True)
class Partition:
    """Some rows of a result, kept as the gzip body that all but the first are served in."""

    row_count: int
    uncompressed: int
    compressed: bytes
    first: bool = False

    @property
    def rows(self) -> list[Row]:
        """The rows, unpacked."""
        return self.read()

    def read(self) -> list[Row]:
        """Return the rows, unpacked."""
        body = json.loads(gzip.decompress(self.compressed))
        found: list[Row] = body["data"] if isinstance(body, dict) else body
        return found

    def info(self) -> dict[str, int]:
        """Return the member of `partitionInfo`."""
        found = {"rowCount": self.row_count, "uncompressedSize": self.uncompressed}
        return found if self.first else found | {"compressedSize": len(self.compressed)}


@dataclass(slots=True)
class Output:
    """A result in partitions, as it stays for its handle's life."""

    columns: list[ResultColumn]
    partitions: list[Partition]
    total_rows: int
    stats: dict[str, int] | None = None
    children: list[str] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """How much memory the rows take, compressed as they are."""
        return sum(len(part.compressed) for part in self.partitions)


@dataclass(slots=True)
class Statement:
    """One accepted statement; it runs until `done` is set, and then has an output or a failure."""

    handle: str
    text: str
    tag: str
    session: Session
    run: Run | None
    started: datetime
    timeout: int = 0
    ended: datetime | None = None
    output: Output | None = None
    failure: Failure | None = None
    produced_rows: int | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def evicted(self) -> bool:
        """Whether its result was there and is gone."""
        return self.produced_rows is not None and self.output is None

    @property
    def user(self) -> str:
        """The name of the user who sent it; nobody else may ask for it."""
        return self.session.user.name

    def finish(self, at: datetime, output: Output | None, failure: Failure | None) -> None:
        """Record the outcome; the first one stays."""
        if not self.done.is_set():
            self.ended, self.output, self.failure = at, output, failure
            self.produced_rows = output.total_rows if output is not None else None
            self.done.set()

    def history_row(self) -> dict[str, Any]:
        """Return the row of QUERY_HISTORY, running statements included."""
        status = "RUNNING"
        if self.done.is_set():
            status = "SUCCESS" if self.failure is None else "FAILED_WITH_ERROR"
        elapsed = None if self.ended is None else int((self.ended - self.started).total_seconds() * 1000)
        return {
            "QUERY_ID": self.handle,
            "QUERY_TEXT": self.text,
            "DATABASE_NAME": self.session.database,
            "SCHEMA_NAME": self.session.schema,
            "QUERY_TYPE": (self.text.split(None, 1) or [""])[0].upper(),
            "SESSION_ID": self.handle,
            "USER_NAME": self.user,
            "ROLE_NAME": self.session.role,
            "WAREHOUSE_NAME": self.session.warehouse,
            "QUERY_TAG": self.tag,
            "EXECUTION_STATUS": status,
            "ERROR_CODE": self.failure.code if self.failure else None,
            "ERROR_MESSAGE": self.failure.message if self.failure else None,
            "START_TIME": self.started,
            "END_TIME": self.ended,
            "TOTAL_ELAPSED_TIME": elapsed,
            "ROWS_PRODUCED": self.produced_rows,
            "AGENT_TYPE": "EXTERNAL_AGENT" if self.session.agentic else None,
        }


MAX_RESULT_BYTES = 256 * 1024 * 1024
MAX_STATEMENTS = 10_000


class Registry:
    """The statements that an account accepted, by handle and by the request that sent it.

    Rows are kept for a result's life and within `MAX_RESULT_BYTES`, the texts of the last `MAX_STATEMENTS`.
    """

    def __init__(self) -> None:
        self._statements: dict[str, Statement] = {}
        self._requests: dict[tuple[str, str], str] = {}
        self._holding: list[Statement] = []
        self._lock = threading.Lock()

    def new_handle(self) -> str:
        """Return a fresh statement handle, which is the query id too."""
        return "01" + str(uuid.uuid4())[2:]

    def add(self, statement: Statement, request_id: str | None) -> None:
        """Keep an accepted statement and, if it has one, the request it came by."""
        with self._lock:
            self._statements[statement.handle] = statement
            self._holding.append(statement)
            if request_id is not None:
                self._requests[(statement.user, request_id)] = statement.handle

    def evict(self, oldest: datetime) -> None:
        """Let go of results of before `oldest`, of the oldest ones beyond the bounds, and of the oldest texts."""
        with self._lock:
            self._holding = [one for one in self._holding if not one.done.is_set() or one.output is not None]
            size = sum(one.output.size_bytes for one in self._holding if one.output is not None)
            for one in self._holding:
                if one.output is not None and (_before(one, oldest) or size > MAX_RESULT_BYTES):
                    size -= one.output.size_bytes
                    one.output = None
            self._forget(len(self._statements) - MAX_STATEMENTS)

    def _forget(self, count: int) -> None:
        if count <= 0:
            return
        gone = [handle for handle, one in list(self._statements.items())[:count] if one.done.is_set()]
        for handle in gone:
            del self._statements[handle]
        self._requests = {key: handle for key, handle in self._requests.items() if handle in self._statements}

    def by_request(self, user: str, request_id: str) -> Statement | None:
        """Return the statement that this user's request started, or None."""
        return self._statements.get(self._requests.get((user, request_id), ""))

    def get(self, handle: str, user: str, oldest: datetime) -> Statement | None:
        """Return this user's statement unless it ended before `oldest`."""
        found = self._statements.get(handle)
        if found is None or found.user != user:
            return None
        return None if _before(found, oldest) else found

    def find(self, handle: str) -> Statement | None:
        """Return a statement, whoever sent it and however old it is."""
        return self._statements.get(handle)

    def everything(self) -> list[Statement]:
        """Return all statements, oldest first."""
        return list(self._statements.values())


def _before(statement: Statement, oldest: datetime) -> bool:
    return statement.ended is not None and statement.ended < oldest
