"""The journal on PostgreSQL: each process commits its own entries in batches, beside other processes that do the same.

A batch that met another writer's is done again from its beginning, with whoever still waits. One whose commit got no
answer counts as not recorded; what became of it is asked of the server later, and what committed is undone. Each
process chains its own events and says in every commit that it lives; one that was silent for `SILENT` is taken for dead
and its chain sealed. If it lives after all, it goes on in a new chain.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import structlog

from skipass.audit.chain import Head
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.storage import entry as patience
from skipass.storage import queries
from skipass.storage.batch import Batch
from skipass.storage.codec import moment
from skipass.storage.entry import Entry, answer, not_recorded, outcome
from skipass.storage.line import Line
from skipass.storage.migrate import newest
from skipass.storage.postgres import AskingExecutor, Broken, Busy, Conflict, Question, Unstorable, ask, drive
from skipass.storage.server import Readers, Server, run
from skipass.storage.time import JUMP, Anchor, ServerClock
from skipass.storage.unit import StoredReader, StoredUnit

T = TypeVar("T")
# More savepoints than this in one transaction no longer fit where the server keeps them at hand.
# Source: https://www.postgresql.org/docs/current/subxacts.html
BATCH = 64
BATCH_S = 2.0
SILENT = timedelta(seconds=10)
LOOK_EVERY_S = 5.0
CONTACT_S = 1.0
# How long after a clash batches are done in turns with the other writers that clashed.
CROWDED_S = 1.0
_log = structlog.get_logger("skipass.journal")


class PostgresJournal:
    """Satisfies `skipass.gateway.ports.Journal` over one database that several processes write to."""

    exclusive = False

    def __init__(self, server: Server, boot_id: str, clock: Clock) -> None:
        self.boot_id = self.writer = boot_id
        self.healthy = False
        self._clock = clock
        self._queue: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._line = Line(server, f"skipass {boot_id}", self._queue.put_nowait)
        self._readers = Readers(server, f"skipass {boot_id} reads")
        self._heads: dict[str, Head] = {}
        self._doubted: set[str] = set()
        self._untold: list[Event] = []
        self._chains, self._crowded_until = 1, float("-inf")
        self._heard = self._well_since = float("-inf")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, started: Event) -> None:
        """Connect and write the first record, or raise `not_recorded`."""
        try:
            wall, high_water = await self._server_time(await self._line.connection())
        except Broken as error:
            _log.error("journal.failed", reason=str(error))
            raise not_recorded() from None
        self._wall = ServerClock(self._clock, wall)
        self._anchor = Anchor(self._wall, high_water)
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]

        async def begin(unit: StoredUnit) -> None:
            unit.emit(started)

        await self.write(begin)

    async def stop(self) -> None:
        """Finish what is queued and close every connection."""
        if self._tasks:
            self._tasks[1].cancel()
            self._queue.put_nowait(None)
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._line.drop()
        self._readers.close()

    def now(self) -> datetime:
        """Return the last commit's time, by the database's clock, plus monotonic time since."""
        return self._anchor.now()

    def in_touch(self) -> bool:
        """Return whether the database answered within the last second."""
        return self._clock.monotonic() - self._heard <= CONTACT_S

    def heads(self) -> dict[str, Head]:
        """Return this writer's committed head of each tenant."""
        return dict(self._heads)

    async def migrated(self) -> bool:
        """Return whether the database is at the newest revision."""

        async def load(reader: StoredReader) -> bool:
            return await reader.revision() == newest()

        try:
            return await self.read(load)
        except SkipassError:
            return False

    async def all_heads(self) -> list[tuple[str, str, Head]]:
        """Return tenant, writer and committed head of every chain."""

        async def load(reader: StoredReader) -> list[tuple[str, str, Head]]:
            return await reader.heads()

        return await self.read(load)

    async def accompanied(self) -> bool:
        """Return whether another process, which was there before this one, has committed since this one began."""

        async def load(reader: StoredReader) -> bool:
            return await reader.accompanied(self.writer)

        return await self.read(load)

    async def read(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run `work` on a consistent, read-only view, or raise `not_recorded` within two seconds."""
        try:
            async with asyncio.timeout(patience.PATIENCE_S), self._readers.snapshot() as connection:
                reader = StoredReader(AskingExecutor(), self.now())
                result: T = await drive(cast(Any, work(reader)), connection)
        except (Broken, Busy, Conflict, Unstorable, TimeoutError) as error:
            raise not_recorded() from error
        self._heard = self._clock.monotonic()
        return result

    async def write(
        self, work: Callable[[Any], Awaitable[T]], *, late: Callable[[Any, T], Awaitable[None]] | None = None
    ) -> T:
        """Run `work` durably, or raise `not_recorded` within two seconds; it may run several times until it commits."""
        entry = Entry(work, late, asyncio.get_running_loop())
        return cast(T, await outcome(entry, self._queue.put_nowait))

    def post(self, work: Callable[[Any], Awaitable[Any]]) -> None:
        """Queue `work` without waiting for the disk; for facts whose loss a restart makes good."""
        self._queue.put_nowait(Entry(work, None, asyncio.get_running_loop()))

    async def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            stopping = None in batch
            await self._record([entry for entry in batch if entry is not None])

    async def _record(self, entries: list[Entry]) -> None:
        while entries := [entry for entry in entries if not entry.abandoned]:
            batch: Batch | None = None
            try:
                async with asyncio.timeout(BATCH_S):
                    batch = await self._filled(entries)
                    await batch.commit()
            except Conflict:
                self._crowded_until = self._clock.monotonic() + CROWDED_S
                await self._roll_back()
                continue
            except Exception as error:  # noqa: BLE001  whatever it is, nothing of this batch counts as recorded
                self._fail(entries, batch, error)
                return
            self._committed(batch)
            for entry in entries:
                answer(entry, self._queue.put_nowait)
            return

    async def _filled(self, entries: list[Entry]) -> Batch:
        """Return a transaction with every entry in it, ready to commit."""
        connection = await self._connected()
        if self._clock.monotonic() < self._crowded_until:
            with contextlib.suppress(Busy):  # whoever has the turn and does not use it is not waited for
                await ask(connection, Question(queries.TAKE_TURN, {}, counts=False))
        wall, high_water = await self._server_time(connection)
        self._wall.hear(wall)
        now, drift = self._anchor.advance(high_water)
        if abs(drift) > JUMP:
            facts = {"seconds": drift.total_seconds()}
            self._untold.append(Event(DEPLOYMENT, "clock.jumped", self.boot_id, facts))
        batch = await self._begun(connection, now)
        await batch.reread(self._doubted)
        for event in self._untold:
            await batch.chain(event)
        for entry in entries:
            await batch.attempt(entry)
        return batch

    async def _begun(self, connection: Any, now: datetime) -> Batch:
        judges = self._clock.monotonic() - self._well_since >= SILENT.total_seconds()
        batch = Batch(connection, self.writer, now, self._heads, judges=judges)
        if not await batch.begin():
            self._chains += 1
            self.writer, self._heads, self._doubted = f"{self.boot_id}.{self._chains}", {}, set()
            await batch.renew(self.writer)
        return batch

    async def _connected(self) -> Any:
        if not self._line.open:
            self._doubted |= set(self._heads)
        return await self._line.connection()

    async def _server_time(self, connection: Any) -> tuple[datetime, datetime | None]:
        (row,) = await ask(connection, Question(queries.SERVER_TIME, {}, counts=False))
        return row["wall"], None if row["high_water"] is None else moment(row["high_water"])

    async def _roll_back(self) -> None:
        try:
            async with asyncio.timeout(BATCH_S):
                await run(await self._line.connection(), f"ROLLBACK; {queries.GIVE_TURNS_BACK}")
        except (Broken, TimeoutError):
            self._line.drop()

    def _committed(self, batch: Batch) -> None:
        self._heard = self._clock.monotonic()
        if not self.healthy:
            self._well_since = self._heard
        self._heads, self.healthy = batch.heads, True
        self._doubted.clear()
        self._untold.clear()

    def _fail(self, entries: list[Entry], batch: Batch | None, error: Exception) -> None:
        self.healthy = False
        _log.error("journal.failed", error=type(error).__name__, reason=str(error), entries=len(entries))
        if batch is not None:
            self._doubted |= set(batch.heads)
            if batch.commit_sent:
                self._line.doubt(batch.transaction, entries)
        self._line.drop()
        for entry in entries:
            entry.error = not_recorded()
            answer(entry, self._queue.put_nowait)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(SkipassError):
                await self.seal_silent()

    async def seal_silent(self) -> None:
        """Seal the chains of writers that have been silent for `SILENT`."""

        async def seal(unit: StoredUnit) -> None:
            await unit.seal_silent(self.writer, unit.now - SILENT)

        await self.write(seal)
