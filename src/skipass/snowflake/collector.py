"""Keep Python's garbage collector quiet while many small objects are made.

A partition becomes hundreds of thousands of objects in one go, none of them garbage; the collector would search them
again and again. It belongs to the whole process, so who shares the process decides whether it may be paused.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextmanager
def paused(wanted: bool) -> Iterator[None]:
    """Pause the collector while the block runs, if wanted; blocks may overlap, one that was off stays off."""
    if not wanted:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _pauses, _was_enabled
    with _lock:
        if _pauses == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1


def _leave() -> None:
    global _pauses
    with _lock:
        _pauses -= 1
        if _pauses == 0 and _was_enabled:
            gc.enable()
