"""Migrations of a PostgreSQL database: alembic writes the SQL, in a child process, and asyncpg runs it under a lock.

The child gets the address on standard input, so that no list of processes shows it.
"""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.storage.migrate import MIGRATIONS, newest
from skipass.storage.server import Server

# Any number that no other program locks; the same in every version of this one.
LOCK = 0x5C1_9A55
_SETTING = "SELECT value FROM settings WHERE name = 'kek_fingerprint'"


async def initialised(server: Server) -> bool:
    """Return whether there is a gateway's data in the database; raises `database_unavailable`."""
    connection = await server.patient()
    try:
        if await _revision(connection) is None:
            return False
        return await connection.fetchval(_SETTING) is not None
    finally:
        connection.terminate()


async def migrate(server: Server, url: Secret[str]) -> None:
    """Bring the database to the newest revision; raises `internal_error`, `database_unavailable`."""
    connection = await server.patient()
    try:
        if await _revision(connection) == newest():
            return
    finally:
        connection.terminate()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "skipass.storage.pgmigrate"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await child.communicate(url.reveal().encode())
    if child.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise SkipassError("internal_error", f"The database could not be migrated: {last}")


async def _revision(connection: Any) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def upgrade(server: Server) -> None:
    """Run what is missing, in one transaction; a second process that migrates waits and finds nothing to do."""
    connection = await server.patient()
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            current = await _revision(connection)
            if current != newest():
                await connection.execute(script(current))
    finally:
        await connection.close()


def script(current: str | None) -> str:
    """Return the SQL that leads from a revision, or from nothing, to the newest."""
    from alembic import command
    from alembic.config import Config

    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", "postgresql+asyncpg://")
    command.upgrade(config, f"{current}:head" if current else "head", sql=True)
    return written.getvalue()


if __name__ == "__main__":
    try:
        asyncio.run(upgrade(Server(Secret(sys.stdin.read()))))
    except Exception as error:  # noqa: BLE001  the parent reads the last line; a traceback could quote the address
        sys.exit(f"{type(error).__name__}: {error}")
