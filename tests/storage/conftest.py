"""A migrated database for the test, and a journal over it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from skipass.audit.events import DEPLOYMENT, Event
from skipass.clock import Clock, SystemClock
from skipass.storage import entry as entry_module
from skipass.storage.journal import SqliteJournal
from skipass.storage.migrate import migrate

Journals = Callable[..., "AsyncIterator[SqliteJournal]"]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let callers wait longer than a busy machine stops; a test of giving up sets it lower again."""
    monkeypatch.setattr(entry_module, "PATIENCE_S", 30.0)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "skipass.sqlite3"
    migrate(path)
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "skipass.sqlite3"))


@asynccontextmanager
async def opened(path: Path, boot: str = "bot_1", clock: Clock | None = None) -> AsyncIterator[SqliteJournal]:
    """Yield a journal that has written its first record."""
    journal = SqliteJournal(path, boot, clock or SystemClock())
    await journal.start(Event(DEPLOYMENT, "gateway.started", boot))
    try:
        yield journal
    finally:
        await journal.stop()


@pytest.fixture
def journals() -> Journals:
    return opened


@pytest.fixture
async def journal(database: Path) -> AsyncIterator[SqliteJournal]:
    async with opened(database) as running:
        yield running
