"""One unit of work between its caller, in the event loop, and whoever commits it; knows no database.

A caller waits at most `PATIENCE_S`; after that it has been told `not_recorded`, and an entry that commits all the same
is undone by its `late` work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from skipass.errors import SkipassError

PATIENCE_S = 2.0
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

    def undoing(self) -> Entry | None:
        """Return the work that undoes what was committed for a caller that is gone, if there is anything to undo."""
        if self.error is not None or self.late is None:
            return None
        return Entry(partial(_undo, self.late, self.result), None, self.loop)


async def _undo(late: Late, result: Any, unit: Any) -> None:
    await late(unit, result)


async def outcome(entry: Entry, put: Callable[[Entry], None]) -> Any:
    """Queue an entry with `put` and return its result, or raise its error, or `not_recorded` when patience is over."""
    put(entry)
    try:
        # Not `wait_for`: on Python 3.11 it forgets a cancellation that comes together with the answer.
        async with asyncio.timeout(PATIENCE_S):
            await entry.done
    except TimeoutError:
        if entry.abandon():
            raise not_recorded() from None
    except asyncio.CancelledError:
        if not entry.abandon():
            undo(entry, put)
        raise
    if entry.error is not None:
        raise entry.error
    return entry.result


def answer(entry: Entry, put: Callable[[Entry], None]) -> None:
    """Wake the caller of a finished entry; where it has gone, undo what was committed for it."""
    if not entry.answer():
        undo(entry, put)


def undo(entry: Entry, put: Callable[[Entry], None]) -> None:
    """Queue the undoing of an entry that was committed for nobody."""
    undoing = entry.undoing()
    if undoing is not None:
        put(undoing)


def not_recorded() -> SkipassError:
    """Return what a caller is told whose work did not reach the disk, or not in time."""
    hint = "Nothing was run. See /readyz; the gateway goes on by itself once its storage works again."
    return SkipassError("not_recorded", hint=hint, retryable=True)
