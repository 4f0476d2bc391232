"""The way to a PostgreSQL server: an address that never prints its password, and checked connections."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.storage.postgres import FAILURES, Broken, Busy, Conflict, Unstorable, meaning

CONNECT_S = 1.5
LEAST_VERSION = 14
READERS = 6
# A wait for another writer's row ends before its caller's patience does. A process that is stopped in the middle of a
# transaction loses it, so that its rows are free again. A sequential scan would take a whole table for read in the
# eyes of the serialisation check; the scan of an index takes what it touched. Where there is no index, the plan is as
# costly as what is worth compiling, and it is not.
# Source: https://www.postgresql.org/docs/current/transaction-iso.html#XACT-SERIALIZABLE
_SETTINGS = {
    "lock_timeout": "1000",
    "statement_timeout": "1900",
    "idle_in_transaction_session_timeout": "2000",
    "enable_seqscan": "off",
    "jit": "off",
    "timezone": "UTC",
}
_PATIENT = {"lock_timeout": "0", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
_KNOWN = """
SELECT current_setting('server_version_num')::int / 10000 AS version, pg_is_in_recovery() AS standby,
       current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS commits
"""


class Server:
    """One database on a server; only `connect` sees the password."""

    def __init__(self, url: Secret[str]) -> None:
        """Raises `invalid_request` unless it is a `postgresql://` address."""
        try:
            parts = urlsplit(url.reveal())
            self._query = parse_qs(parts.query)
            self._hosts = _hosts(parts.netloc, self._query)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("postgresql", "postgres"):
            hint = "postgresql://user:password@host:5432/database"
            raise SkipassError("invalid_request", "The database's address is not one of PostgreSQL.", hint)
        self._url = url
        self.place = f"{parts.netloc.rpartition('@')[2] or 'this machine'}{parts.path}"

    def __repr__(self) -> str:
        return f"Server({self.place!r})"

    def encryption(self) -> ssl.SSLContext | None:
        """Return what a connection to another machine is encrypted with, unless the address says so itself."""
        if "sslmode" in self._query or not any(map(_elsewhere, self._hosts)):
            return None
        return ssl.create_default_context()

    async def connect(self, name: str, *, settings: Mapping[str, str] = _NO_OPTIONS) -> Any:
        """Return a connection of that application name; raises `Broken` within `CONNECT_S`, or for a wrong server."""
        options: dict[str, Any] = {"server_settings": {**_SETTINGS, "application_name": name, **settings}}
        encryption = self.encryption()
        if encryption is not None:
            options["ssl"] = encryption
        try:
            connection = await asyncpg.connect(
                self._url.reveal(), timeout=CONNECT_S, statement_cache_size=1024, **options
            )
        except (*FAILURES, TimeoutError, ValueError) as error:
            raise Broken(_without(self._url.reveal(), f"{type(error).__name__}: {error}")) from None
        try:
            await _check(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def patient(self) -> Any:
        """Return a connection without limits of time, for what takes long; raises `database_unavailable`."""
        try:
            return await self.connect("skipass", settings=_PATIENT)
        except Broken as error:
            raise self.unavailable(error) from None

    def unavailable(self, error: Exception) -> SkipassError:
        """Return the failure that says which database does not answer, and how."""
        hint = "Look at SKIPASS_DATABASE_URL, at the server, and at what may connect to it."
        return SkipassError("database_unavailable", f"{self.place}: {error}", hint, retryable=True)


def _hosts(netloc: str, query: Mapping[str, list[str]]) -> list[str]:
    named = [part for value in query.get("host", []) for part in value.split(",")]
    beside = netloc.rpartition("@")[2].split(",")
    return [_bare(host) for host in (*named, *beside) if host]


def _bare(host: str) -> str:
    """Return a host without its port, or raise ValueError where what follows it is none."""
    name, port = host, ""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
    elif ":" in host:
        name, _, port = host.partition(":")
        port = f":{port}"
    if port and not port[1:].isdigit():
        raise ValueError("a port is a number")
    return name


def _elsewhere(host: str) -> bool:
    """Return whether a host is another machine: what goes there is encrypted, to a server whose name is proven."""
    if host.startswith(("/", "%2F")) or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def _without(url: str, said: str) -> str:
    """Return an error's words, unless they repeat a piece of the address: a driver may quote what it cannot read."""
    parts = urlsplit(url)
    secrets = [url, *(parse_qs(parts.query).get("password", [])), parts.netloc.rpartition("@")[0].partition(":")[2]]
    return "the address cannot be used" if any(piece and piece in said for piece in secrets) else said


async def _check(connection: Any) -> None:
    try:
        row = await connection.fetchrow(_KNOWN, timeout=CONNECT_S)
        if row["commits"] == "off":  # durable on return is a promise; a faster server setting does not break it
            await connection.execute("SET synchronous_commit = on", timeout=CONNECT_S)
    except (*FAILURES, TimeoutError) as error:
        raise meaning(error) from None
    if row["version"] < LEAST_VERSION:
        raise Broken(f"PostgreSQL {LEAST_VERSION} or newer is needed, and this is {row['version']}")
    if row["encoding"] != "UTF8":
        raise Broken(f"the database's encoding is {row['encoding']}, and UTF8 is needed")
    if row["standby"]:
        raise Broken("this server is a standby, which takes no writes")


class Readers:
    """A few connections for readers; one that failed is never used again."""

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name
        self._free: list[Any] = []
        self._places = asyncio.Semaphore(READERS)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """Yield a connection inside a read-only transaction that sees one state of the database."""
        async with self._places:
            connection = await self._begun()
            try:
                yield connection
            except (Broken, Busy, Conflict, Unstorable, asyncio.CancelledError):
                connection.terminate()
                raise
            except BaseException:  # the reader's own affair: the connection is as good as before
                await self._give_back(connection)
                raise
            await self._give_back(connection)

    async def _begun(self) -> Any:
        """Return a connection in a new transaction; one that was lost while nobody used it is not worth an error."""
        while self._free:
            connection = self._free.pop()
            with contextlib.suppress(Broken):
                return await self._begin(connection)
        return await self._begin(await self._server.connect(self._name))

    async def _begin(self, connection: Any) -> Any:
        try:
            await run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _give_back(self, connection: Any) -> None:
        try:
            await run(connection, "ROLLBACK")
        except Broken:  # whoever has read has what was read
            connection.terminate()
        except BaseException:
            connection.terminate()
            raise
        else:
            self._free.append(connection)

    def close(self) -> None:
        """Drop every connection that is not in use."""
        while self._free:
            self._free.pop().terminate()


async def run(connection: Any, text: str) -> None:
    """Run a text without parameters; raises as `skipass.storage.postgres.drive` says."""
    try:
        await connection.execute(text)
    except FAILURES as error:
        raise meaning(error) from None
