"""The same client for programs without an event loop: a thread runs one, and each call waits for its answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from skipass.snowflake.client import AsyncSnowflakeClient, ClientOptions, StatementOptions
from skipass.snowflake.connect import defaults_from_env, login_from_env
from skipass.snowflake.result import Result
from skipass.snowflake.sqlapi.answers import CancelOutcome
from skipass.snowflake.statement import AsyncStatement

T = TypeVar("T")
_SETTLE_S = 6.0


class _Portal:
    """An event loop in a thread of its own, started at the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._started()
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            # An interrupt (Ctrl-C) ends the waiting here; the work must hear of it, to cancel its statement.
            if not future.done():
                future.cancel()
                asyncio.run_coroutine_threadsafe(_others_end(), loop).result(_SETTLE_S)
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="skipass-snowflake", daemon=True)
                self._thread.start()
            return self._loop

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(last(), loop).result(_SETTLE_S)
            asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result(_SETTLE_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _others_end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=_SETTLE_S - 1)


class Statement:
    """A statement that Snowflake has accepted; the blocking face of `AsyncStatement`."""

    def __init__(self, portal: _Portal, inner: AsyncStatement) -> None:
        self._portal = portal
        self._inner = inner

    @property
    def statement_handle(self) -> str:
        """Snowflake's handle, which is also the query id."""
        return self._inner.statement_handle

    def poll(self) -> bool:
        """Ask once; return True when the statement has finished."""
        return self._portal.run(self._inner.poll())

    def result(self) -> Result:
        """Wait for the statement and return all its rows; an interrupt cancels it in Snowflake."""
        return self._portal.run(self._inner.result())

    def cancel(self) -> CancelOutcome:
        """Cancel the statement; one that has finished is nothing to cancel."""
        return self._portal.run(self._inner.cancel())


class SnowflakeClient:
    """Snowflake's SQL API as one user; takes what `AsyncSnowflakeClient` takes, except an HTTP session.

    Use it as a context manager, or call `close`. May be shared by threads.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._portal = _Portal()
        self._inner = AsyncSnowflakeClient(**options)

    @classmethod
    def from_env(cls) -> Self:
        """Return a client of the `SNOWFLAKE_*` variables (`connect.login_from_env`)."""
        return cls(**login_from_env(), **defaults_from_env())

    def query(self, sql: str, binds: Sequence[object] | None = None, **options: Unpack[StatementOptions]) -> Result:
        """Run one statement and return all its rows; an interrupt or the end of `timeout_s` cancels it in Snowflake."""
        return self._portal.run(self._inner.query(sql, binds, **options))

    def submit(self, sql: str, binds: Sequence[object] | None = None, **options: Unpack[StatementOptions]) -> Statement:
        """Submit one statement and return as soon as Snowflake has accepted it."""
        return Statement(self._portal, self._portal.run(self._inner.submit(sql, binds, **options)))

    def statement(self, handle: str) -> Statement:
        """Return a statement that was submitted before, by its handle; nothing is asked yet."""
        return Statement(self._portal, self._inner.statement(handle))

    def close(self) -> None:
        """Close the connections and end the thread; a later call starts both again."""
        self._portal.stop(self._inner.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
