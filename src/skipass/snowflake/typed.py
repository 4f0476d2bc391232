"""The rows of a partition as tuples of Python values, a slice at a time.

Rows as Python values take several times the memory of their text, so only a slice of them is there at once. Knows
columns and cells, no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from skipass.snowflake import collector
from skipass.snowflake.fetch import Reader, Rows
from skipass.snowflake.sqlapi.answers import rows_of
from skipass.snowflake.sqlapi.values import Column, decode_rows

TypedRows = list[tuple[Any, ...]]
_SLICE_ROWS = 4096


@dataclass(frozen=True, slots=True)
class TypedReader:
    """Turns the partitions of one result into typed rows.

    `formats` are the parameters of the request. `pause_collector` keeps Python's garbage collector quiet meanwhile.
    """

    columns: Sequence[Column]
    formats: Mapping[str, object]
    pause_collector: bool

    @property
    def texts(self) -> Reader[Rows]:
        """What reads a partition when its turn comes; until then it is held as JSON, a fraction of its rows' size."""
        return Reader(self._read, len, is_late=True)

    async def slices(self, partitions: AsyncIterable[Rows]) -> AsyncGenerator[TypedRows, None]:
        """Yield the rows of partitions in order, some thousands at a time; each partition is emptied on the way."""
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(1, "skipass-rows")
        try:
            async for rows in partitions:
                rows.reverse()
                while rows:
                    yield await loop.run_in_executor(threads, self._last, rows)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _read(self, body: bytes) -> Rows:
        with collector.paused(self.pause_collector):
            return rows_of(body, len(self.columns))

    def _last(self, rows: Rows) -> TypedRows:
        """Take the last rows of a reversed partition."""
        part = rows[: -_SLICE_ROWS - 1 : -1]
        del rows[-_SLICE_ROWS:]
        with collector.paused(self.pause_collector):
            return decode_rows(self.columns, part, self.formats)
