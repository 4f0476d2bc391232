"""A migrated database for the test, on SQLite and on PostgreSQL, and a journal over it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postgres import Postgres
from skipass.audit.chain import Record
from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock, SystemClock
from skipass.storage.export import records
from skipass.storage.journal import SqliteJournal
from skipass.storage.migrate import migrate
from skipass.storage.pgexport import records_from
from skipass.storage.pgjournal import PostgresJournal
from skipass.storage.server import Server


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "skipass.sqlite3"
    migrate(path)
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "skipass.sqlite3"))


Journal = SqliteJournal | PostgresJournal


@dataclass(frozen=True, slots=True)
class Store:
    """Where a test's rows are."""

    make: Callable[[str, Clock], Journal]
    load: Callable[[], AsyncIterator[Record]]

    @asynccontextmanager
    async def opened(self, boot: str = "bot_1", clock: Clock | None = None) -> AsyncIterator[Any]:
        """Yield a journal that has written its first record."""
        journal = self.make(boot, clock or SystemClock())
        await journal.start(Event(DEPLOYMENT, "gateway.started", boot))
        try:
            yield journal
        finally:
            await journal.stop()

    async def records(self, kind: str | None = None) -> list[Record]:
        """Return what is recorded."""
        return [record async for record in self.load() if kind in (None, record.kind)]


def in_file(path: Path) -> Store:
    """Return the store in a SQLite file."""

    async def load() -> AsyncIterator[Record]:
        for record in records(path):
            yield record

    return Store(lambda boot, clock: SqliteJournal(path, boot, clock), load)


def on_server(server: Server) -> Store:
    """Return the store in a PostgreSQL database."""
    return Store(lambda boot, clock: PostgresJournal(server, boot, clock), lambda: records_from(server))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "sqlite":
        return in_file(request.getfixturevalue("database"))
    postgres: Postgres = request.getfixturevalue("postgres")
    return on_server(postgres.server(request.getfixturevalue("shared")))


@pytest.fixture
async def journal(store: Store) -> AsyncIterator[Journal]:
    async with store.opened() as running:
        yield running
