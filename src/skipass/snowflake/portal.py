"""An event loop in a thread, for calls that wait. Knows nothing of Snowflake."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")
_SETTLE_S = 6.0


class Portal:
    """An event loop in a thread of its own, started at the first call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work in the loop and return what it returns; an interrupt here cancels it there."""
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

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yield the items as they come; leaving early closes their generator."""
        nothing = object()

        async def following() -> T | object:
            return await anext(items, nothing)

        try:
            while (item := self.run(following())) is not nothing:
                yield item  # type: ignore[misc]
        finally:
            self.run(items.aclose())

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run the last work, then end the loop and its thread."""
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
