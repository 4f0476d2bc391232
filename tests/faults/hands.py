"""The hands of a clock that several processes read and one test moves."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SECONDS = struct.Struct("d")


class SharedClock:
    """The machine's clocks, ahead by what stands in a file; a change is seen at once by every process."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), _SECONDS.size)

    def now(self) -> datetime:
        """Return wall time."""
        return datetime.now(UTC) + timedelta(seconds=self._seconds())

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic() + self._seconds()

    def pass_(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self._ahead[:] = _SECONDS.pack(self._seconds() + seconds)

    def _seconds(self) -> float:
        return float(_SECONDS.unpack(self._ahead[:])[0])
