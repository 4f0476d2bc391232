"""A PostgreSQL server of this test run alone, its databases, and a wire to it that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from skipass.secret import Secret
from skipass.storage.pgmigrate import migrate
from skipass.storage.server import Server

_TEMPLATE = "skipass_template"
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=200", "listen_addresses=127.0.0.1")
_numbers = itertools.count(1)


def binaries() -> Path | None:
    """Return the folder of the server's programs, or None where it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `url` and `connect` name one of its databases."""

    port: int
    password: str
    templates: set[str] = field(default_factory=set)

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the address of a database, by another port where something stands between."""
        return f"postgresql://skipass:{self.password}@127.0.0.1:{port or self.port}/{database}"

    def server(self, database: str, *, port: int | None = None) -> Server:
        """Return the way to a database."""
        return Server(Secret(self.url(database, port=port)))

    async def connect(self, database: str = "postgres") -> Any:
        """Return a connection of the test's own."""
        return await asyncpg.connect(self.url(database))

    async def create(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"test_{next(_numbers)}"
        await self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def migrated(self) -> str:
        """Make a database at the newest revision and return its name."""
        if _TEMPLATE not in self.templates:
            await self._say(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
            await migrate(self.server(_TEMPLATE), Secret(self.url(_TEMPLATE)))
            self.templates.add(_TEMPLATE)
        return await self.create(_TEMPLATE)

    async def drop(self, database: str) -> None:
        """Remove a database, whoever still uses it."""
        await self._say(f"DROP DATABASE {database} WITH (FORCE)")

    async def _say(self, sql: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextmanager
def running_postgres(programs: Path) -> Iterator[Postgres]:
    """Yield a server on a free port with a data directory of its own, owned by a user that is not root."""
    who: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="skipass-postgres-", dir="/tmp") as directory:
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")  # the server refuses root
            os.chown(directory, user.pw_uid, user.pw_gid)
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        password, data = secrets.token_urlsafe(24), Path(directory) / "data"
        secret = Path(directory) / "password"
        secret.write_text(password)
        secret.chmod(0o644)
        made = [
            "--username=skipass",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        command = [str(programs / "initdb"), "-D", str(data), "--no-sync", *made]
        subprocess.run(command, check=True, capture_output=True, cwd=directory, **who)
        with _served(programs, data, who) as port:
            yield Postgres(port, password)


@contextmanager
def _served(programs: Path, data: Path, who: dict[str, Any]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [part for one in (*_FAST, "unix_socket_directories=") for part in ("-c", one)]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options]
    with (data.parent / "log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, cwd=data.parent, **who)
    try:
        _wait(data.parent / "log", child)
        yield port
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(log: Path, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while b"ready to accept connections" not in log.read_bytes():
        if child.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)


class Wire:
    """What stands between a gateway and its database: it can hang, be cut, and be mended."""

    def __init__(self, port: int) -> None:
        self._to, self.port = port, 0
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self.go_on()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def hang(self) -> None:
        """Let nothing through any more, in either direction, and say nothing of it."""
        self._there.clear()
        self._back.clear()

    def deafen(self) -> None:
        """Let nothing back through any more; what is said still arrives."""
        self._back.clear()

    def go_on(self) -> None:
        """Let through what has been waiting, and what comes."""
        self._there.set()
        self._back.set()

    async def cut(self) -> None:
        """Close every connection and take no new ones."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def mend(self) -> None:
        """Take connections, at the same port as before."""
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        flows = (self._carry(reader, back, self._there), self._carry(there, writer, self._back))
        both = [asyncio.ensure_future(flow) for flow in flows]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for end in (writer, back):
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, open_: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                await open_.wait()
                to.write(piece)
                await to.drain()


@asynccontextmanager
async def wired(port: int) -> AsyncIterator[Wire]:
    """Yield a wire to a local port."""
    wire = Wire(port)
    await wire.mend()
    try:
        yield wire
    finally:
        wire.go_on()
        await wire.cut()
