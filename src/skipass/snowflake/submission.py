"""Submitting a statement: again after a failure that may pass, and taken back when nobody waits for it any more.

Stands on `sqlapi.client`; what becomes of the statement afterwards is the business of `statement`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from skipass.snowflake.errors import SnowflakeError, SnowflakeUnavailable, Throttled
from skipass.snowflake.fetch import Source
from skipass.snowflake.sqlapi.answers import Finished, Running
from skipass.snowflake.sqlapi.wire import SubmitRequest

_WITHDRAW_S = 5.0


async def submitted(source: Source, request: SubmitRequest) -> Running | Finished:
    """Submit a statement and return what Snowflake said of it.

    A task that is cancelled meanwhile sends nothing that has not left yet; what has left is waited for a few seconds,
    because only its answer names the handle to cancel it by.
    """
    has_left = False

    async def leaving() -> None:
        nonlocal has_left
        has_left = True

    work = asyncio.ensure_future(_surely(source, request, leaving))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if not has_left:
            work.cancel()
        await asyncio.shield(_withdraw(source, work))
        raise


async def _withdraw(source: Source, work: asyncio.Future[Running | Finished]) -> None:
    with suppress(SnowflakeError, TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(_WITHDRAW_S):
            state = await work
            if isinstance(state, Running):
                await source.api.cancel(state.statement_handle, source.tokens, timeout_s=_WITHDRAW_S)


async def _surely(
    source: Source, request: SubmitRequest, before_send: Callable[[], Awaitable[None]]
) -> Running | Finished:
    """Submit a statement, again after a failure that may pass, in a way that cannot run it twice.

    Every repetition keeps the request's id; once an earlier attempt may have arrived it says `retry=true`, with which
    Snowflake does not run again what has run.
    Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests (resubmitting a request)
    """
    pace, timeout_s = source.pace, source.http_timeout_s
    for round_number in range(pace.attempts - 1):
        try:
            return await source.api.submit(
                request, source.tokens, timeout_s=timeout_s, before_send=before_send, lean=True
            )
        except Throttled as busy:
            await pace.wait_out(busy, round_number)
        except SnowflakeUnavailable as lost:
            request = replace(request, retry=request.retry or lost.sent)
            await pace.wait(round_number)
    return await source.api.submit(request, source.tokens, timeout_s=timeout_s, before_send=before_send, lean=True)
