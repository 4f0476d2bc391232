"""From a finished statement to its rows, a partition at a time, in order, each one counted.

Knows how partitions come (from `sqlapi`) and how many are held at once; what they are turned into is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from skipass.snowflake.auth.tokens import TokenSource
from skipass.snowflake.errors import IncompleteResultError, SnowflakeError
from skipass.snowflake.pace import Pace, persistently
from skipass.snowflake.prefetch import Ahead, in_order
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

    async def body(self, handle: str, index: int) -> bytes:
        """Return the JSON of a partition; a failure that may pass is tried again."""
        return await persistently(
            lambda: self.api.partition_body(handle, index, self.tokens, timeout_s=self.http_timeout_s), self.pace
        )


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """What to make of the rows of the first partition and of the JSON of every other, and how many rows that is.

    Both run in a thread of their own, so that the event loop stays free.
    """

    of_rows: Callable[[Rows], T]
    of_body: Callable[[bytes], T]
    length: Callable[[T], int]


def raw_reader(width: int) -> Reader[Rows]:
    """Return a reader that leaves the cells as they are, for rows of this width."""
    return Reader(lambda rows: rows, lambda body: rows_of(body, width), len)


async def partitions(
    source: Source, finished: Finished, reader: Reader[T], *, progress: bool = False
) -> AsyncGenerator[T, None]:
    """Yield what the reader makes of each partition, in order, every one of them as long as it was announced.

    Raises `IncompleteResultError` instead of handing on a partition that is too short or too long, and at the end when
    all of them together are not as many rows as announced.
    """
    handle = finished.statement_handle
    announced = [info.row_count for info in finished.partitions] or [len(finished.rows)]

    async def fetch(index: int) -> T:
        if index == 0:
            return await asyncio.to_thread(reader.of_rows, finished.rows)
        return await asyncio.to_thread(reader.of_body, await source.body(handle, index))

    # The first is held already, whatever its size.
    sizes = [0, *(info.uncompressed_bytes for info in finished.partitions[1:])]
    left = list(announced)
    try:
        with shown(progress, finished.num_rows) as advance:
            async with aclosing(in_order(sizes, fetch, source.ahead)) as parts:
                async for part in parts:
                    rows = reader.length(part)
                    _check(rows, left.pop(0))
                    advance(rows)
                    yield part
        _check(sum(announced), finished.num_rows)
    except SnowflakeError as error:
        error.statement_handle = error.statement_handle or handle
        raise


def _check(rows: int, announced: int | None) -> None:
    if announced is not None and rows != announced:
        raise IncompleteResultError(f"{rows} rows came, {announced} were announced.")
