"""From a finished statement to its rows, a partition at a time, in order, each one counted.

Knows how partitions come (from `sqlapi`) and how many are held at once; what they are turned into is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from skipass.snowflake.auth.tokens import TokenSource
from skipass.snowflake.errors import IncompleteResultError, SnowflakeError
from skipass.snowflake.pace import Pace, persistently
from skipass.snowflake.prefetch import Ahead, Turns, in_order
from skipass.snowflake.progress import shown
from skipass.snowflake.sqlapi.answers import Finished, rows_of
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.snowflake.sqlapi.values import Cell

T = TypeVar("T")
Rows = list[list[Cell]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the partitions of a statement come from, and how far ahead they are fetched."""

    api: SqlApi
    tokens: TokenSource
    pace: Pace
    http_timeout_s: float
    ahead: Ahead


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """What to make of the JSON of a partition, and how many rows that is.

    It runs in threads, so that the event loop stays free; so many `at_once`. One that holds the interpreter's lock
    gains nothing from a second. One `is_late` whose rows are much larger than their JSON: it reads a partition when its
    turn comes and not before.
    """

    read: Callable[[bytes], T]
    length: Callable[[T], int]
    at_once: int = 1
    is_late: bool = False

    def prepared(self, body: bytes) -> Callable[[], T]:
        """Return what gives the rows: at once, except for a late reader."""
        if self.is_late:
            return partial(self.read, body)
        rows = self.read(body)
        return lambda: rows


def raw_reader(width: int) -> Reader[Rows]:
    """Return a reader that leaves the cells as they are, for rows of this width."""
    return Reader(lambda body: rows_of(body, width), len)


async def partitions(
    source: Source, finished: Finished, first: list[bytes], reader: Reader[T], *, progress: bool = False
) -> AsyncGenerator[T, None]:
    """Yield what the reader makes of each partition, in order, every one of them as long as it was announced.

    `first` holds the JSON of the first partition and is emptied, so that it is held no longer than needed; without it
    it is fetched again. Raises `IncompleteResultError` instead of handing on a partition that is too short or too
    long, and at the end when all of them together are not as many rows as announced.
    """
    handle = finished.statement_handle
    left: list[int | None] = [info.row_count for info in finished.partitions] or [finished.num_rows]
    total = None if None in left else sum(count or 0 for count in left)
    # Threads of its own, and few: each of them keeps the memory that its largest partition took.
    threads = ThreadPoolExecutor(reader.at_once, "skipass-decode")

    turns = Turns(reader.at_once)

    async def fetch(index: int) -> Callable[[], T]:
        content: Callable[[], bytes] = first.pop
        if index or not first:
            content = await source.api.packed_partition(handle, index, source.tokens, timeout_s=source.http_timeout_s)
        # Fetched ahead it is held as it came, a fraction of what it becomes; only the next ones are unpacked and read.
        await turns.of(index)
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: reader.prepared(content()))

    # One that turns out to be cut when it is unpacked is fetched again, like one that did not come.
    def surely(index: int) -> Awaitable[Callable[[], T]]:
        return persistently(lambda: fetch(index), source.pace)

    # The first is held already, whatever its size.
    sizes = [0, *(info.uncompressed_bytes for info in finished.partitions[1:])]
    try:
        with shown(progress, finished.num_rows) as advance:
            async with aclosing(in_order(sizes, surely, source.ahead)) as parts:
                async for prepared in parts:
                    await turns.done()
                    part = await _due(reader, prepared, threads)
                    # What is handed on is the receiver's to drop, so nothing here may hold it.
                    del prepared
                    rows = reader.length(part)
                    _check(rows, left.pop(0))
                    advance(rows)
                    yield part
        _check(total, finished.num_rows)
    except SnowflakeError as error:
        error.statement_handle = error.statement_handle or handle
        raise
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


async def _due(reader: Reader[T], prepared: Callable[[], T], threads: ThreadPoolExecutor) -> T:
    if not reader.is_late:
        return prepared()
    return await asyncio.get_running_loop().run_in_executor(threads, prepared)


def _check(rows: int | None, announced: int | None) -> None:
    if None not in (rows, announced) and rows != announced:
        raise IncompleteResultError(f"{rows} rows came, {announced} were announced.")
