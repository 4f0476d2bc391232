"""The SQL API's four requests, asynchronous, each one HTTP exchange.

Stateless but for its connections: tokens come from the source given with each call, statements are known by their
handle. Nothing here runs a statement twice: the one repetition is of a request refused with 401, so nothing ran.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from skipass import __version__
from skipass.clock import Clock, SystemClock
from skipass.snowflake.account import Target
from skipass.snowflake.auth.tokens import Token, TokenSource
from skipass.snowflake.errors import SnowflakeError, SnowflakeUnavailable
from skipass.snowflake.sqlapi import answers, wire
from skipass.snowflake.sqlapi.failures import Answer, can_use_fresh_token

if TYPE_CHECKING:
    import aiohttp

    from skipass.snowflake.sqlapi.transport import BeforeSend, Transport

USER_AGENT = f"skipass/{__version__}"
MAX_BODY_BYTES = 512 * 1024 * 1024


@contextmanager
def _about(call: wire.Call) -> Iterator[None]:
    """Let every failure name the request and the statement it is about."""
    try:
        yield
    except SnowflakeError as error:
        error.request_id = error.request_id or call.request_id
        error.statement_handle = error.statement_handle or call.statement_handle
        raise


class SqlApi:
    """One account's SQL API.

    `session` is the caller's to close; without it one is opened at the first request, on a connector from
    `connector_factory` where given (pinned addresses, own certificates). `max_body_bytes` bounds an answer before and
    after decompression. Every method raises the tree of `skipass.snowflake.errors`; `timeout_s` bounds the whole call.
    """

    def __init__(
        self,
        target: Target,
        *,
        session: aiohttp.ClientSession | None = None,
        connector_factory: Callable[[], aiohttp.BaseConnector] | None = None,
        user_agent: str = USER_AGENT,
        clock: Clock | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._target = target
        self._session = session
        self._connector_factory = connector_factory
        self._user_agent = user_agent
        self._clock = clock or SystemClock()
        self._max_body_bytes = max_body_bytes
        self._transport: Transport | None = None

    async def submit(
        self,
        request: wire.SubmitRequest,
        tokens: TokenSource,
        *,
        timeout_s: float,
        before_send: BeforeSend | None = None,
        lean: bool = False,
    ) -> answers.Running | answers.Finished:
        """Submit one statement once, and return what Snowflake said of it; `lean` is that of `answers.read_statement`.

        `before_send` is awaited when token and connection are there, right before the first byte is written; if it
        raises, nothing is sent and that exception comes out. A failure's `outcome_unknown` says whether the statement
        may have run.
        """
        call = wire.submit_call(request)
        with _about(call):
            return answers.read_statement(call, await self._send(call, tokens, timeout_s, before_send), lean=lean)

    async def poll(
        self, handle: str, tokens: TokenSource, *, timeout_s: float, lean: bool = False
    ) -> answers.Running | answers.Finished:
        """Return a statement's state: running, or finished with the first partition."""
        call = wire.poll_call(handle)
        with _about(call):
            return answers.read_statement(call, await self._send(call, tokens, timeout_s), lean=lean)

    async def partition(
        self, handle: str, index: int, tokens: TokenSource, *, timeout_s: float, width: int | None = None
    ) -> answers.Partition:
        """Return the raw rows of partition `index`; with `width`, a row of another width is a `ProtocolError`."""
        call = wire.partition_call(handle, index)
        with _about(call):
            return answers.read_partition(call, index, await self._send(call, tokens, timeout_s), width=width)

    async def packed_partition(
        self, handle: str, index: int, tokens: TokenSource, *, timeout_s: float
    ) -> Callable[[], bytes]:
        """Return partition `index` as it came, as a function that unpacks it and returns its JSON, unread.

        Until it is called, which may be in a thread, the partition is held compressed. It raises what the answer
        reports instead of rows.
        """
        call = wire.partition_call(handle, index)
        with _about(call):
            answer = await self._send(call, tokens, timeout_s, packed=True)

        def content() -> bytes:
            from skipass.snowflake.sqlapi.transport import unpack

            with _about(call):
                return answers.partition_body(call, replace(answer, body=unpack(answer.body, self._max_body_bytes)))

        return content

    @asynccontextmanager
    async def partition_stream(
        self, handle: str, index: int, tokens: TokenSource, *, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield partition `index` in pieces as it came, gzip as a rule; no more of it is held than a few of them.

        `timeout_s` bounds each wait. Raises what the answer reports instead of rows, before the first piece.
        """
        from skipass.snowflake.sqlapi.streams import begun

        call = wire.partition_call(handle, index)
        with _about(call):
            async with AsyncExitStack() as stack:
                token, transport = await self._token(tokens, timeout_s), self._connection()
                stream = await begun(stack, transport, call, token, timeout_s=timeout_s)
                if stream.refused is not None and can_use_fresh_token(stream.refused) and await tokens.rejected(token):
                    token = await self._token(tokens, timeout_s)
                    stream = await begun(stack, transport, call, token, timeout_s=timeout_s)
                yield stream.judged(call, self._max_body_bytes)

    async def cancel(self, handle: str, tokens: TokenSource, *, timeout_s: float) -> answers.CancelOutcome:
        """Cancel a statement; one that is finished or unknown is nothing to cancel."""
        call = wire.cancel_call(handle)
        with _about(call):
            return answers.read_cancel(call, await self._send(call, tokens, timeout_s))

    async def aclose(self) -> None:
        """Close the connections that are our own; the next request opens new ones."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _send(
        self,
        call: wire.Call,
        tokens: TokenSource,
        timeout_s: float,
        before_send: BeforeSend | None = None,
        *,
        packed: bool = False,
    ) -> Answer:
        deadline = self._clock.monotonic() + timeout_s
        token = await self._token(tokens, timeout_s)
        transport = self._connection()
        send = partial(transport.send, before_send=before_send, packed=packed)
        answer = await send(call, token, timeout_s=self._left(deadline))
        if can_use_fresh_token(answer) and await tokens.rejected(token):
            token = await self._token(tokens, self._left(deadline))
            answer = await send(call.again(), token, timeout_s=self._left(deadline))
        return replace(answer, received_at=self._clock.now())

    def _left(self, deadline: float) -> float:
        return max(deadline - self._clock.monotonic(), 0.0)

    async def _token(self, tokens: TokenSource, timeout_s: float) -> Token:
        try:
            async with asyncio.timeout(timeout_s):
                return await tokens.token()
        except TimeoutError:
            raise SnowflakeUnavailable("No token was to be had in time.", sent=False) from None

    def _connection(self) -> Transport:
        if self._transport is None:
            from skipass.snowflake.sqlapi.transport import Transport

            self._transport = Transport(
                self._target.base_url,
                user_agent=self._user_agent,
                max_body_bytes=self._max_body_bytes,
                session=self._session,
                connector_factory=self._connector_factory,
            )
        return self._transport
