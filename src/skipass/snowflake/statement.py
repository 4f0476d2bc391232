"""A submitted statement: wait for it, fetch it, cancel it.

Stands on `sqlapi.client` and knows nothing of how the statement was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from skipass.snowflake.auth.tokens import TokenSource
from skipass.snowflake.errors import SnowflakeError, SnowflakeUnavailable, StatementTimedOut, Throttled
from skipass.snowflake.pace import Pace, persistently
from skipass.snowflake.result import Result, complete_result
from skipass.snowflake.sqlapi.answers import CancelOutcome, Finished, Partition, Running
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.snowflake.sqlapi.values import Cell
from skipass.snowflake.sqlapi.wire import SubmitRequest

_CONCURRENT_PARTITIONS = 4
_CANCEL_S = 5.0


class AsyncStatement:
    """A statement that Snowflake has accepted, known by its handle."""

    def __init__(
        self,
        api: SqlApi,
        tokens: TokenSource,
        state: Running | Finished,
        *,
        parameters: Mapping[str, object],
        pace: Pace,
        http_timeout_s: float,
        limit_s: float | None = None,
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._state = state
        self._parameters = parameters
        self._pace = pace
        self._http_timeout_s = http_timeout_s
        self._limit_s = limit_s

    @property
    def statement_handle(self) -> str:
        """Snowflake's handle, which is also the query id."""
        return self._state.statement_handle

    async def poll(self) -> bool:
        """Ask once; return True when the statement has finished. Its failure is raised as the error it is."""
        if isinstance(self._state, Running):
            handle = self.statement_handle
            self._state = await self._api.poll(handle, self._tokens, timeout_s=self._http_timeout_s)
        return isinstance(self._state, Finished)

    async def result(self) -> Result:
        """Wait for the statement and return all its rows.

        When the time limit passes or the waiting task is cancelled, the statement is cancelled in Snowflake.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                finished = await self._finish()
                return complete_result(finished, await self._rest_of(finished), self._parameters)
        except TimeoutError:
            await self._abandon()
            message = f"The statement did not finish within {self._limit_s} seconds and was cancelled."
            raise StatementTimedOut(message, statement_handle=self.statement_handle) from None
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon())
            raise

    async def cancel(self) -> CancelOutcome:
        """Cancel the statement; one that has finished is nothing to cancel."""
        return await self._api.cancel(self.statement_handle, self._tokens, timeout_s=self._http_timeout_s)

    async def _abandon(self) -> None:
        if isinstance(self._state, Running):
            with suppress(SnowflakeError):
                await self._api.cancel(self.statement_handle, self._tokens, timeout_s=_CANCEL_S)

    async def _finish(self) -> Finished:
        round_number = 0
        while not await persistently(self.poll, self._pace):
            asked_s = self._state.retry_after_s if isinstance(self._state, Running) else None
            await self._pace.wait(round_number, asked_s)
            round_number += 1
        assert isinstance(self._state, Finished)
        return self._state

    async def _rest_of(self, finished: Finished) -> list[list[list[Cell]]]:
        turns = asyncio.Semaphore(_CONCURRENT_PARTITIONS)
        width = len(finished.columns)

        async def fetch(index: int) -> list[list[Cell]]:
            async with turns:
                return (await persistently(lambda: self._partition(index, width), self._pace)).rows

        tasks = [asyncio.create_task(fetch(index)) for index in range(1, len(finished.partitions))]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _partition(self, index: int, width: int) -> Partition:
        handle = self.statement_handle
        return await self._api.partition(handle, index, self._tokens, timeout_s=self._http_timeout_s, width=width)


async def submit_surely(
    api: SqlApi, request: SubmitRequest, tokens: TokenSource, *, timeout_s: float, pace: Pace
) -> Running | Finished:
    """Submit a statement, again after a failure that may pass, in a way that cannot run it twice.

    Every repetition keeps the request's id; once an earlier attempt may have arrived it says `retry=true`, with which
    Snowflake does not run again what has run.
    Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests (resubmitting a request)
    """
    for round_number in range(pace.attempts - 1):
        try:
            return await api.submit(request, tokens, timeout_s=timeout_s)
        except Throttled as busy:
            await pace.wait_out(busy, round_number)
        except SnowflakeUnavailable as lost:
            request = replace(request, retry=request.retry or lost.sent)
            await pace.wait(round_number)
    return await api.submit(request, tokens, timeout_s=timeout_s)
