"""One unit of work between its caller, in the event loop, and the journal's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Work = Callable[[Any], Awaitable[Any]]
Late = Callable[[Any, Any], Awaitable[None]]


class Entry:
    """One unit of work on its way to disk; either its caller gets the answer or it was abandoned, never both."""

    def __init__(self, work: Work, late: Late | None, loop: asyncio.AbstractEventLoop) -> None:
        self.work, self.late = work, late
        self.result: Any = None
        self.error: Exception | None = None
        self.abandoned = self._answered = False
        self._lock = threading.Lock()
        self.loop = loop
        self.done: asyncio.Future[None] = loop.create_future()

    def abandon(self) -> bool:
        """Say that nobody waits any more; False if the answer is already there."""
        with self._lock:
            self.abandoned = not self._answered
            return self.abandoned

    def answer(self) -> bool:
        """Wake the caller; False if it has gone."""
        with self._lock:
            self._answered = not self.abandoned
        if self._answered and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._wake)
        return self._answered

    def _wake(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
