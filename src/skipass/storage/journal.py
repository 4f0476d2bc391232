"""The journal: one thread owns every write to SQLite and commits them in batches.

Each entry is a unit of work under its own savepoint: it fails alone. Its events are chained in memory and stored in
the same transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import structlog

from skipass.audit.chain import Head, link, micros
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.storage import entry as patience
from skipass.storage import queries
from skipass.storage.codec import moment
from skipass.storage.entry import Entry, answer, not_recorded, outcome
from skipass.storage.migrate import newest, revision
from skipass.storage.sql import insert_sql
from skipass.storage.sqlite import SqliteExecutor, connect, drive
from skipass.storage.tables import events
from skipass.storage.time import JUMP, Anchor
from skipass.storage.unit import StoredReader, StoredUnit

T = TypeVar("T")
BATCH = 256
# What SQLite says of an entry that cannot be stored as it is; everything else it says is about the storage itself.
_NOT_THE_DISK = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
_log = structlog.get_logger("skipass.journal")


class SqliteJournal:
    """Satisfies `skipass.gateway.ports.Journal` over one SQLite file, which one process at a time may hold."""

    exclusive = True

    def __init__(self, path: Path, boot_id: str, clock: Clock) -> None:
        self.boot_id = self.writer = boot_id
        self.healthy = False
        self._path, self._clock = path, clock
        self._queue: queue.Queue[Entry | None] = queue.Queue()
        self._heads: dict[str, Head] = {}
        self._doubted: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def start(self, started: Event) -> None:
        """Open the file, take note of the chains of writers that are gone, and write the first record."""
        self._connection = connect(self._path)
        row = self._connection.execute(queries.SETTING, {"name": "high_water"}).fetchone()
        self._anchor = Anchor(self._clock, moment(int(row["value"])) if row else None)
        self._thread.start()

        async def begin(unit: StoredUnit) -> None:
            await unit.beat(self.boot_id)
            unit.emit(started)

        await self.write(begin)

    async def stop(self) -> None:
        """Finish what is queued and close every connection."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._readers.shutdown()
        for connection in (self._connection, *self._opened):
            connection.close()

    def now(self) -> datetime:
        """Return the last commit's time plus monotonic time since."""
        return self._anchor.now()

    def in_touch(self) -> bool:
        """Return True: there is no way to this file that could be cut."""
        return True

    def heads(self) -> dict[str, Head]:
        """Return this writer's committed head of each tenant."""
        return dict(self._heads)

    async def migrated(self) -> bool:
        """Return whether the file is at the newest revision."""
        return await asyncio.to_thread(revision, self._path) == newest()

    async def all_heads(self) -> list[tuple[str, str, Head]]:
        """Return tenant, writer and committed head of every chain."""

        async def load(reader: StoredReader) -> list[tuple[str, str, Head]]:
            return await reader.heads()

        return await self.read(load)

    async def accompanied(self) -> bool:
        """Return False: the file is this process's alone."""
        return False

    async def read(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run `work` on a consistent, read-only view, or raise `not_recorded` within two seconds."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience.PATIENCE_S):
                return await loop.run_in_executor(self._readers, self._read, work)
        except (sqlite3.Error, TimeoutError) as error:
            raise not_recorded() from error

    def _read(self, work: Callable[[Any], Awaitable[T]]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, read_only=True)
            self._opened.append(connection)
        connection.execute("BEGIN")
        try:
            result: T = drive(cast(Any, work(StoredReader(SqliteExecutor(connection), self.now()))))
            return result
        finally:
            connection.execute("ROLLBACK")

    async def write(
        self, work: Callable[[Any], Awaitable[T]], *, late: Callable[[Any, T], Awaitable[None]] | None = None
    ) -> T:
        """Run `work` durably, or raise `not_recorded` within two seconds."""
        entry = Entry(work, late, asyncio.get_running_loop())
        return cast(T, await outcome(entry, self._queue.put))

    def post(self, work: Callable[[Any], Awaitable[Any]]) -> None:
        """Queue `work` without waiting for the disk; for facts whose loss a restart makes good."""
        self._queue.put(Entry(work, None, asyncio.get_running_loop()))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            stopping = None in batch
            entries = [e for e in batch if e is not None and not e.abandoned]
            if entries:
                self._commit(entries)

    def _commit(self, entries: list[Entry]) -> None:
        heads = dict(self._heads)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            now = self._begin(heads)
            for entry in entries:
                self._attempt(entry, now, heads)
            drive(StoredUnit(SqliteExecutor(self._connection), now).set("high_water", str(micros(now))))
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  whatever it is, nothing of this batch counts as recorded
            self._doubted |= set(heads)
            self._abort(entries, error)
            return
        self._heads, self.healthy = heads, True
        self._doubted.clear()
        for entry in entries:
            answer(entry, self._queue.put)

    def _begin(self, heads: dict[str, Head]) -> datetime:
        now, drift = self._anchor.advance()
        self._reread(heads)
        if abs(drift) > JUMP:
            self._chain(Event(DEPLOYMENT, "clock.jumped", self.boot_id, {"seconds": drift.total_seconds()}), now, heads)
        if not self.healthy:
            self._seal_dead(now, heads)
        return now

    def _reread(self, heads: dict[str, Head]) -> None:
        # A commit that failed may have reached the disk all the same: then the chain goes on from there.
        for tenant in self._doubted:
            row = self._connection.execute(queries.HEAD, {"tenant_id": tenant, "writer": self.boot_id}).fetchone()
            heads[tenant] = Head(row["seq"], row["hash"]) if row else Head()

    def _seal_dead(self, now: datetime, heads: dict[str, Head]) -> None:
        # One process at a time holds this file, so every other writer is gone.
        gone = self._connection.execute(
            queries.UNSEALED_WRITERS, {"me": self.boot_id, "before": micros(now)}
        ).fetchall()
        last = {(r["tenant_id"], r["writer"]): r for r in self._connection.execute(queries.HEADS)} if gone else {}
        for (writer,) in gone:
            self._connection.execute(queries.SEAL_WRITER, {"me": self.boot_id, "id": writer})
            for (tenant, of), row in last.items():
                if of == writer:
                    body = {"writer": writer, "seq": row["seq"], "hash": row["hash"]}
                    self._chain(Event(tenant, "chain.sealed", writer, body), now, heads)

    def _attempt(self, entry: Entry, now: datetime, heads: dict[str, Head]) -> None:
        unit = StoredUnit(SqliteExecutor(self._connection), now)
        before = dict(heads)
        self._connection.execute("SAVEPOINT entry")
        try:
            entry.result = drive(cast(Any, entry.work(unit)))
            for event in unit.emitted:
                self._chain(event, now, heads)
        except _NOT_THE_DISK as error:
            _log.error("entry.failed", error=type(error).__name__, reason=str(error))
            entry.error = SkipassError("internal_error")
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001  it belongs to the caller that is waiting for it
            entry.error = error
        if entry.error is not None:
            heads.clear()
            heads.update(before)
            self._connection.execute("ROLLBACK TO entry")
        self._connection.execute("RELEASE entry")

    def _chain(self, event: Event, now: datetime, heads: dict[str, Head]) -> None:
        record, head = link(heads.get(event.tenant_id, Head()), self.boot_id, now, event)
        self._connection.execute(insert_sql(events), {name: getattr(record, name) for name in record.__slots__})
        heads[event.tenant_id] = head

    def _abort(self, entries: list[Entry], error: Exception) -> None:
        self.healthy = False
        _log.error("journal.failed", error=type(error).__name__, reason=str(error), entries=len(entries))
        with contextlib.suppress(sqlite3.Error):  # where BEGIN itself failed there is nothing to roll back
            self._connection.execute("ROLLBACK")
        for entry in entries:
            entry.error = not_recorded()
            answer(entry, self._queue.put)
