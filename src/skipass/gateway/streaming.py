"""Streaming: a partition passes through the gateway in the pieces it came in, and stops when its session does.

What bounds every other delivery bounds this one: the debit comes first, a closed session gets nothing. No partition is
ever held here whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from skipass.errors import SkipassError
from skipass.gateway import answers
from skipass.gateway.calls import Calls
from skipass.gateway.delivery import Delivery, unavailable
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.revocation import Epoch
from skipass.gateway.running import POLL_S
from skipass.gateway.statement_calls import StatementCalls
from skipass.gateway.way_out import Out
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.snowflake.errors import SnowflakeError
from skipass.tools.call import CallContext

TOOL = "snowflake_get_query_partition"


class StreamCutError(Exception):
    """The rest of a stream does not come; what was sent of it must not look complete."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition on its way: Snowflake's bytes (gzip as a rule), and how many partitions there are.

    `pieces` raises `StreamCutError` and nothing else.
    """

    statement: Statement
    count: int
    pieces: AsyncIterator[bytes]


class Streaming:
    """Passes partitions on."""

    def __init__(self, deps: Deps, calls: Calls, statements: StatementCalls, delivery: Delivery, epoch: Epoch) -> None:
        self._deps, self._calls, self._statements = deps, calls, statements
        self._delivery, self._epoch = delivery, epoch

    @asynccontextmanager
    async def partition(
        self, principal: Principal, handle: str, index: int, call: CallContext
    ) -> AsyncIterator[Stream | Envelope]:
        """Yield partition `index`, from 1, of a succeeded statement; of any other the envelope that tells its state.

        Raises `not_found`, `invalid_request` for a number too high, `expired`, `budget_exceeded`, `result_expired`,
        `snowflake_unavailable`; each is on record by then.
        """
        try:
            statement, out = await self._ready(principal, handle, index)
        except SkipassError as refused:
            await self._calls.record_refusal(principal, "", refused, call, tool=TOOL)
            raise
        if statement.state is not StatementState.SUCCEEDED:
            yield answers.state_of(statement)
            return
        under = await self._epoch.value()
        api, tokens = self._deps.upstream.api(out), self._deps.upstream.tokens(out)
        async with AsyncExitStack() as stack:
            try:
                coming = api.partition_stream(statement.handle or "", index, tokens, timeout_s=POLL_S)
                pieces = await stack.enter_async_context(coming)
            except SnowflakeError as error:
                raise unavailable(error) from None
            yield Stream(statement, len(statement.partitions), self._watched(statement, pieces, under))

    async def _ready(self, principal: Principal, handle: str, index: int) -> tuple[Statement, Out]:
        """Return a statement whose partition may leave now: it exists, is not kept for its first one alone, is paid."""
        statement, here = await self._statements.find(principal, handle)
        out = here.ways.any()
        if statement.state is not StatementState.SUCCEEDED:
            return statement, out
        count = len(statement.partitions)
        if not 0 < index < count:
            hint = f"Partitions are numbered 0 to {count - 1}."
            raise SkipassError("invalid_request", f"There is no partition {index}.", hint)
        if statement.ticket:
            hint = "Run it as a read in a session of its own."
            raise SkipassError("result_expired", "Of a held statement only the first partition is kept.", hint)
        await self._delivery.debit(statement, index)
        return statement, out

    async def _watched(self, statement: Statement, pieces: AsyncIterator[bytes], under: int) -> AsyncIterator[bytes]:
        """Yield the pieces as long as the session is open: an end is heard of within a quarter of a second."""
        ends = await self._open_until(statement)
        try:
            async for piece in pieces:
                now = await self._epoch.value()
                if now != under:
                    under, ends = now, await self._open_until(statement)
                if ends is None or ends <= self._deps.journal.now():
                    raise StreamCutError("the session has ended")
                yield piece
        except SnowflakeError as error:
            raise StreamCutError(type(error).__name__) from None
        except SkipassError as error:
            raise StreamCutError(error.code) from None

    async def _open_until(self, statement: Statement) -> datetime | None:
        async def load(reader: Reader) -> AccessSession | None:
            return await reader.get(AccessSession, statement.session_id)

        session = await self._deps.journal.read(load)
        return session.expires_at if session and session.state is SessionState.OPEN else None
