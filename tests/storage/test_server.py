"""The address of a server: which ones are understood, what leaves the machine encrypted, and what is never printed."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys

import pytest

from postgres import Postgres
from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.storage.postgres import Broken, Question, ask
from skipass.storage.server import READERS, Readers, Server

HERE = [
    "postgresql://u:p@127.0.0.1/d",
    "postgres://u:p@localhost:5432/d",
    "postgresql://u:p@[::1]:5432/d",
    "postgresql:///d?host=/run/postgresql",
    "postgresql://u@%2Frun%2Fpostgresql/d",
    "postgresql:///d",
]
ELSEWHERE = [
    "postgresql://u:p@db.example.com/d",
    "postgresql://u:p@10.0.0.7:5432/d",
    "postgresql://u:p@127.0.0.1,db.example.com:5433/d",
    "postgresql://u:p@[2001:db8::1]:5432/d",
    "postgresql://u:p@127.0.0.1/d?host=db.example.com",
    "postgresql://u:p@localhost.example.com/d",
]
WRONG = [
    "",
    "x",
    "http://u:p@h/d",
    "sqlite:///d",
    "postgresql+asyncpg://u:p@h/d",
    "postgresql://u:p@h:x/d",
    "//u:p@h/d",
]


@pytest.mark.parametrize("url", HERE)
def test_what_stays_on_the_machine_needs_no_encryption(url: str) -> None:
    """Loopback and a socket in the file system are this machine."""
    assert Server(Secret(url)).encryption() is None


@pytest.mark.parametrize("url", ELSEWHERE)
def test_what_leaves_the_machine_goes_to_a_proven_server(url: str) -> None:
    """With one host that is another machine, the certificate and its name are checked unless the address says other."""
    context = Server(Secret(url)).encryption()
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    said = f"{url}{'&' if '?' in url else '?'}sslmode=require"
    assert Server(Secret(said)).encryption() is None


@pytest.mark.parametrize("url", WRONG)
def test_other_addresses_are_refused(url: str) -> None:
    """What is not an address of PostgreSQL is refused, and not repeated."""
    with pytest.raises(SkipassError) as refused:
        Server(Secret(url))
    assert refused.value.code == "invalid_request"
    assert not url or url not in refused.value.message


def test_a_server_prints_without_its_password() -> None:
    """The place is shown, the user and the password are not."""
    server = Server(Secret("postgresql://u:hunter2@db.example.com:5432/d"))
    assert (repr(server), server.place) == ("Server('db.example.com:5432/d')", "db.example.com:5432/d")


@pytest.mark.anyio
async def test_encryption_is_demanded_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere that offers no encryption gets neither user nor password."""
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1024))
        writer.write(b"N")
        heard.append(await reader.read(1024))
        writer.close()
        await writer.wait_closed()
        gone.set()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    resolve = asyncio.get_running_loop().getaddrinfo

    async def here(host: str, *given: object, **named: object) -> object:
        return await resolve("127.0.0.1", *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", here)
    with pytest.raises(Broken):
        await Server(Secret(f"postgresql://someone:hunter2@db.example.com:{port}/d")).connect("test")
    await gone.wait()
    listener.close()
    assert heard[0] == (8).to_bytes(4) + (80877103).to_bytes(4)  # SSLRequest, and nothing else
    assert not b"".join(heard[1:])


@pytest.mark.anyio
async def test_a_database_that_loses_letters_is_refused(postgres: Postgres) -> None:
    """A database of another encoding than UTF8 cannot hold the record, and is not used."""
    connection = await postgres.connect()
    await connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(Broken, match="UTF8 is needed"):
        await postgres.server("latin").connect("test")
    await connection.execute("DROP DATABASE latin")
    await connection.close()


@pytest.mark.anyio
async def test_durable_means_durable(postgres: Postgres, shared: str) -> None:
    """Where the database would answer before its disk does, our connections wait for the disk."""
    admin = await postgres.connect(shared)
    await admin.execute(f"ALTER DATABASE {shared} SET synchronous_commit = off")
    connection = await postgres.server(shared).connect("test")
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()
    await admin.close()


@pytest.mark.anyio
async def test_a_failed_reader_keeps_its_connection_and_a_lost_one_is_replaced(postgres: Postgres, shared: str) -> None:
    """A reader that raises leaves the connection to the next; one that the server ended is not handed out again."""
    readers = Readers(postgres.server(shared), "test")
    pids: list[int] = []

    async def pid() -> int:
        async with readers.snapshot() as connection:
            question = Question("SELECT pg_backend_pid() AS pid", {}, counts=False)
            (row,) = await ask(connection, question)
            found: int = row["pid"]
            return found

    pids.append(await pid())
    with pytest.raises(KeyError):
        async with readers.snapshot():
            raise KeyError
    pids.append(await pid())
    assert pids[0] == pids[1]
    admin = await postgres.connect(shared)
    await admin.execute(f"SELECT pg_terminate_backend({pids[0]})")
    while await admin.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pids[0]}"):
        await asyncio.sleep(0)
    assert await pid() != pids[0]
    many = await asyncio.gather(*(pid() for _ in range(READERS * 4)))
    assert len(set(many)) <= READERS
    await admin.close()
    readers.close()


def test_the_driver_is_loaded_by_who_names_a_server() -> None:
    """Without PostgreSQL's driver a gateway over a file is composed, and one over a server is told what to install."""
    code = """
import sys
sys.modules["asyncpg"] = None
from skipass.app import serve
from skipass.app.database import server_at
from skipass.secret import Secret
server_at(Secret("postgresql://u:p@127.0.0.1/d"))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.splitlines()[-1].startswith("skipass.errors.SkipassError: extra_required: ")
