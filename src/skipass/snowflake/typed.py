"""The rows of a partition as tuples of Python values, a slice at a time.

Rows as Python values take several times the memory of their text, so only a slice of them is there at once. Knows
columns and cells, no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from skipass.snowflake import collector
from skipass.snowflake.fetch import Reader, Rows
from skipass.snowflake.sqlapi.answers import rows_of
from skipass.snowflake.sqlapi.values import Column, decode_rows

TypedRows = list[tuple[Any, ...]]
_SLICE_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A partition that was read: so many rows, and their values as they are asked for."""

    num_rows: int
    slices: Iterator[TypedRows]


@dataclass(frozen=True, slots=True)
class TypedReader:
    """Turns the partitions of one result into typed rows.

    `formats` are the parameters of the request. `pause_collector` keeps Python's garbage collector quiet meanwhile. A
    result that `is_long` is read by Arrow where that is installed, to the same values: importing it takes a moment that
    a short result would not give back.
    """

    columns: Sequence[Column]
    formats: Mapping[str, object]
    pause_collector: bool
    is_long: bool

    def reader(self) -> Reader[Part]:
        """Return what reads a partition: ahead of its turn only into Arrow's text, which is no larger than its JSON."""
        if self.is_long and self.columns and _has_arrow():
            return Reader(self._by_arrow, _length)
        return Reader(self._by_rows, _length, is_late=True)

    async def rows(self, parts: AsyncIterable[Part]) -> AsyncGenerator[TypedRows, None]:
        """Yield the rows of partitions in order, some thousands at a time."""
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(1, "skipass-rows")
        try:
            async for part in parts:
                while rows := await loop.run_in_executor(threads, self._next, part):
                    yield rows
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _next(self, part: Part) -> TypedRows | None:
        with collector.paused(self.pause_collector):
            return next(part.slices, None)

    def _by_arrow(self, body: bytes) -> Part:
        from skipass.snowflake.arrow.batches import texts_of_body
        from skipass.snowflake.arrow.values import typed_slices

        pieces = texts_of_body(body, len(self.columns))
        num_rows = sum(len(texts[0]) for texts in pieces)
        pieces.reverse()
        # Each is let go as soon as its rows are handed on.
        texts = (pieces.pop() for _ in range(len(pieces)))
        slices = (typed_slices(self.columns, self.formats, piece, _SLICE_ROWS) for piece in texts)
        return Part(num_rows, chain.from_iterable(slices))

    def _by_rows(self, body: bytes) -> Part:
        with collector.paused(self.pause_collector):
            rows = rows_of(body, len(self.columns))
        return Part(len(rows), self._slices(rows))

    def _slices(self, rows: Rows) -> Iterator[TypedRows]:
        rows.reverse()
        while rows:
            part = rows[: -_SLICE_ROWS - 1 : -1]
            del rows[-_SLICE_ROWS:]
            yield decode_rows(self.columns, part, self.formats)


def _length(part: Part) -> int:
    return part.num_rows


def _has_arrow() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True
