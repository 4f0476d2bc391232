"""Which database a gateway lives in: a file of its home, or one on a PostgreSQL server that several gateways share.

PostgreSQL's driver is imported by whoever names a server, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skipass.app.home import Home
from skipass.audit.chain import Head
from skipass.audit.events import Event
from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.ports import Journal
from skipass.secret import Secret
from skipass.storage.journal import SqliteJournal
from skipass.storage.migrate import migrate

if TYPE_CHECKING:
    from skipass.storage.server import Server


class StoredJournal(Journal, Protocol):
    """A journal with its beginning, its end, and the heads that checkpoints sign."""

    writer: str
    """The name of the chain this process writes."""

    async def start(self, started: Event) -> None:
        """Open the storage and write the first record."""
        ...

    async def stop(self) -> None:
        """Finish what is queued and close."""
        ...

    def heads(self) -> dict[str, Head]:
        """Return this writer's committed head of each tenant."""
        ...

    async def all_heads(self) -> list[tuple[str, str, Head]]:
        """Return tenant, writer and committed head of every chain."""
        ...

    async def accompanied(self) -> bool:
        """Return whether another process, which was there before this one, has committed since this one began."""
        ...


class Database(Protocol):
    """Where a gateway's rows are."""

    async def initialised(self) -> bool:
        """Return whether a gateway's rows are there; raises `database_unavailable`."""
        ...

    async def migrate(self) -> None:
        """Bring it to the newest revision; raises `internal_error`, `database_unavailable`."""
        ...

    def journal(self, boot_id: str, clock: Clock) -> StoredJournal:
        """Return the owner of this process's writes, not yet started."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A SQLite file in a home, which one process at a time holds."""

    home: Home

    async def initialised(self) -> bool:
        """Return whether the file is there."""
        return self.home.database.exists()

    async def migrate(self) -> None:
        """Bring it to the newest revision."""
        migrate(self.home.database)

    def journal(self, boot_id: str, clock: Clock) -> StoredJournal:
        """Return the owner of all writes."""
        return SqliteJournal(self.home.database, boot_id, clock)


@dataclass(frozen=True, slots=True)
class OnServer:
    """A PostgreSQL database."""

    server: Server
    url: Secret[str]

    async def initialised(self) -> bool:
        """Return whether a gateway's rows are there."""
        from skipass.storage.pgmigrate import initialised

        return await initialised(self.server)

    async def migrate(self) -> None:
        """Bring it to the newest revision; of several processes that start together one does it."""
        from skipass.storage.pgmigrate import migrate as migrate_server

        await migrate_server(self.server, self.url)

    def journal(self, boot_id: str, clock: Clock) -> StoredJournal:
        """Return the owner of this process's writes."""
        from skipass.storage.pgjournal import PostgresJournal

        return PostgresJournal(self.server, boot_id, clock)


def database_of(home: Home, url: Secret[str] | None) -> Database:
    """Return the database at an address, or without one the file of the home; raises as `server_at`."""
    return File(home) if url is None else OnServer(server_at(url), url)


def server_at(url: Secret[str]) -> Server:
    """Return the way to the server of an address; raises `invalid_request`, `extra_required`."""
    with _driver():
        from skipass.storage.server import Server
    return Server(url)


@contextmanager
def _driver() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        message = "A PostgreSQL database needs the postgres extra (asyncpg is missing)."
        raise SkipassError("extra_required", message, "pip install 'skipass[postgres]'") from None
