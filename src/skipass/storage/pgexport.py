"""The record read out of a PostgreSQL database, for whoever verifies or exports it; never writes, needs no gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from skipass.audit.chain import Record
from skipass.errors import SkipassError
from skipass.storage import queries
from skipass.storage.export import record_from
from skipass.storage.postgres import FAILURES, plain
from skipass.storage.server import Server

_AT_ONCE = 2_000


def records_on(server: Server) -> Iterator[Record]:
    """Yield every record, ordered by sequence within each chain, without an event loop of the caller's own.

    Raises `database_unavailable`, or `chain_broken` where the database is not one of skipass.
    """
    with asyncio.Runner() as runner:
        found = records_from(server)
        try:
            while True:
                try:
                    yield runner.run(_next(found))
                except StopAsyncIteration:
                    return
        finally:
            runner.run(found.aclose())  # type: ignore[attr-defined]


async def _next(found: AsyncIterator[Record]) -> Record:
    return await anext(found)


async def records_from(server: Server) -> AsyncIterator[Record]:
    """Yield every record of one state of the database, ordered by sequence within each chain; raises as above."""
    async with _snapshot(server) as connection:
        try:
            cursor = await connection.cursor(queries.ALL_EVENTS)
            while rows := await cursor.fetch(_AT_ONCE):
                for row in rows:
                    yield record_from(plain(row))
        except asyncpg.UndefinedTableError:
            raise SkipassError("chain_broken", f"{server.place} is not a database of skipass.") from None
        except FAILURES as error:
            raise server.unavailable(error) from None


@asynccontextmanager
async def _snapshot(server: Server) -> AsyncIterator[Any]:
    connection = await server.patient()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        connection.terminate()
