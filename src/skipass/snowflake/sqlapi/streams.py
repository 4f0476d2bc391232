"""A partition that is passed on while it comes: judged by its first pieces, never held whole.

Imported at the first stream, as the transport is. Knows nothing of who reads it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from skipass.snowflake.auth.tokens import Token
from skipass.snowflake.sqlapi import answers
from skipass.snowflake.sqlapi.failures import Answer
from skipass.snowflake.sqlapi.transport import Transport, unpack
from skipass.snowflake.sqlapi.wire import Call

# Whatever reports a failure is shorter than this, compressed or not.
_JUDGED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream of which the first pieces are here, and maybe all: then `whole` is true."""

    status: int
    headers: dict[str, str]
    first: bytes
    whole: bool
    rest: AsyncIterator[bytes]

    @property
    def refused(self) -> Answer | None:
        """The answer, where it is a refusal."""
        return None if self.status == 200 else Answer(self.status, self.first, self.headers)

    def judged(self, call: Call, max_bytes: int) -> AsyncIterator[bytes]:
        """Return all pieces, or raise what a refusal or a short answer reports instead of rows."""
        if self.whole or self.status != 200:
            answer = Answer(self.status, self.first, self.headers)
            answers.partition_body(call, replace(answer, body=unpack(self.first, max_bytes)))
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield self.first
        async for piece in self.rest:
            yield piece


async def begun(stack: AsyncExitStack, transport: Transport, call: Call, token: Token, *, timeout_s: float) -> Begun:
    """Return a stream as soon as enough of it is here to judge it by; `stack` ends it."""
    arriving = await stack.enter_async_context(transport.arriving(call, token, timeout_s=timeout_s))
    first = bytearray()
    async for piece in arriving.pieces:
        first += piece
        if len(first) > _JUDGED_BYTES:
            return Begun(arriving.status, dict(arriving.headers), bytes(first), False, arriving.pieces)
    return Begun(arriving.status, dict(arriving.headers), bytes(first), True, arriving.pieces)
