"""A submitted statement: wait for it, fetch it, cancel it.

Stands on `sqlapi.client` and knows nothing of how the statement was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from skipass.snowflake.errors import NoWarehouseError, SnowflakeError, StatementTimedOut
from skipass.snowflake.fetch import Reader, Rows, Source, partitions, raw_reader
from skipass.snowflake.pace import persistently
from skipass.snowflake.result import Result, arrow_batches, complete_result
from skipass.snowflake.sqlapi import hints
from skipass.snowflake.sqlapi.answers import CancelOutcome, Finished, Running
from skipass.snowflake.typed import TypedReader

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
_CANCEL_S = 5.0
TimestampUnit = Literal["ns", "us"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked for with a statement and still matters when it is waited for and read.

    `parameters` are those of the request, `warehouse` the one it named. `limit_s` bounds the waiting. `pause_collector`
    keeps Python's garbage collector quiet while a partition is decoded.
    """

    parameters: Mapping[str, object] = field(default_factory=dict)
    warehouse: str | None = None
    limit_s: float | None = None
    pause_collector: bool = False


class AsyncStatement:
    """A statement that Snowflake has accepted, known by its handle.

    The rows can be read in one of several forms. Each waits for the statement first, and when its time limit passes or
    the waiting task is cancelled, the statement is cancelled in Snowflake. No form hands on a result that is not whole:
    a missing or surplus row is `IncompleteResultError`.
    """

    def __init__(self, source: Source, state: Running | Finished, terms: Terms) -> None:
        self._source = source
        self._state = state
        self._terms = terms

    @property
    def statement_handle(self) -> str:
        """Snowflake's handle, which is also the query id."""
        return self._state.statement_handle

    async def poll(self) -> bool:
        """Ask once; return True when the statement has finished. Its failure is raised as the error it is."""
        if isinstance(self._state, Running):
            source = self._source
            try:
                self._state = await source.api.poll(
                    self.statement_handle, source.tokens, timeout_s=source.http_timeout_s, lean=True
                )
            except NoWarehouseError as error:
                error.hint = hints.no_warehouse(error.message, self._terms.warehouse)
                raise
        return isinstance(self._state, Finished)

    async def result(self, *, progress: bool = False) -> Result:
        """Wait for the statement and return all its rows; with `progress` a terminal shows a bar."""
        return await self._within_limit(self._result(progress))

    async def results(self) -> list[Result]:
        """Wait for a request of several statements and return the result of each, in order.

        A request of one statement has one result. Source:
        https://docs.snowflake.com/en/developer-guide/sql-api/submitting-multiple-statements
        """
        finished = await self._within_limit(self._finish())
        if not finished.statement_handles:
            return [await self.result()]
        return [await self._part(handle).result() for handle in finished.statement_handles]

    async def iter_rows(self, *, progress: bool = False) -> AsyncGenerator[tuple[Any, ...], None]:
        """Yield the rows in order as tuples of Python values, holding only a few partitions at a time."""
        async with aclosing(self.iter_row_lists(progress=progress)) as parts:
            async for part in parts:
                for row in part:
                    yield row

    async def iter_row_lists(self, *, progress: bool = False) -> AsyncGenerator[list[tuple[Any, ...]], None]:
        """Yield the rows in order as lists of tuples, some thousands of rows at a time."""
        finished, first = await self._within_limit(self._take())
        terms, is_long = self._terms, len(finished.partitions) > 1
        typed = TypedReader(finished.columns, terms.parameters, terms.pause_collector, is_long)
        stream = partitions(self._source, finished, first, typed.reader(), progress=progress)
        async with aclosing(stream), aclosing(typed.rows(stream)) as parts:
            async for rows in parts:
                yield rows

    async def iter_batches(
        self, *, timestamp_unit: TimestampUnit = "ns", keep_offsets: bool = False, progress: bool = False
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the rows in order as Arrow record batches of one schema, one for each partition.

        Only a few partitions are held at a time. The types are those of `arrow.schema`: `timestamp_unit` and
        `keep_offsets` choose among the forms of a timestamp.
        """
        finished, first = await self._within_limit(self._take())
        batches = arrow_batches(finished.columns, self._terms.parameters, timestamp_unit, keep_offsets)
        reader = Reader(batches.of_body, len, self._source.ahead.decoders)
        async with aclosing(partitions(self._source, finished, first, reader, progress=progress)) as parts:
            async for part in parts:
                yield part

    async def fetch_arrow(
        self, *, timestamp_unit: TimestampUnit = "ns", keep_offsets: bool = False, progress: bool = False
    ) -> pa.Table:
        """Return all rows as one Arrow table."""
        finished = await self._within_limit(self._finish())
        batches = arrow_batches(finished.columns, self._terms.parameters, timestamp_unit, keep_offsets)
        stream = self.iter_batches(timestamp_unit=timestamp_unit, keep_offsets=keep_offsets, progress=progress)
        return batches.table([batch async for batch in stream])

    async def to_pandas(self, *, progress: bool = False, **options: Any) -> Any:
        """Return all rows as a pandas DataFrame (`arrow.frames.to_pandas`)."""
        table = await self.fetch_arrow(progress=progress)
        from skipass.snowflake.arrow import frames

        return frames.to_pandas(table, **options)

    async def to_polars(self, *, progress: bool = False) -> Any:
        """Return all rows as a polars DataFrame (`arrow.frames.to_polars`)."""
        table = await self.fetch_arrow(progress=progress)
        from skipass.snowflake.arrow import frames

        return frames.to_polars(table)

    async def cancel(self) -> CancelOutcome:
        """Cancel the statement; one that has finished is nothing to cancel."""
        source = self._source
        return await source.api.cancel(self.statement_handle, source.tokens, timeout_s=source.http_timeout_s)

    def _part(self, handle: str) -> AsyncStatement:
        return AsyncStatement(self._source, Running(handle, {}), self._terms)

    async def _result(self, progress: bool) -> Result:
        finished, first = await self._take()
        reader: Reader[Rows] = raw_reader(len(finished.columns))
        parts = partitions(self._source, finished, first, reader, progress=progress)
        return complete_result(finished, [part async for part in parts], self._terms.parameters)

    async def _take(self) -> tuple[Finished, list[bytes]]:
        """Return the finished statement without the rows that came with it, and those; a second time they are gone.

        A program that reads a long result holds its statement all the while, and must not hold these rows with it.
        """
        finished = await self._finish()
        self._state = bare = replace(finished, data=b"")
        return bare, [finished.data] if finished.data else []

    async def _within_limit(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._terms.limit_s):
                return await work
        except TimeoutError:
            await self._abandon()
            message = f"The statement did not finish within {self._terms.limit_s} seconds and was cancelled."
            raise StatementTimedOut(message, statement_handle=self.statement_handle) from None
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon())
            raise

    async def _abandon(self) -> None:
        if isinstance(self._state, Running):
            with suppress(SnowflakeError):
                await self._source.api.cancel(self.statement_handle, self._source.tokens, timeout_s=_CANCEL_S)

    async def _finish(self) -> Finished:
        round_number = 0
        while not await persistently(self.poll, self._source.pace):
            asked_s = self._state.retry_after_s if isinstance(self._state, Running) else None
            await self._source.pace.wait(round_number, asked_s)
            round_number += 1
        assert isinstance(self._state, Finished)
        return self._state
