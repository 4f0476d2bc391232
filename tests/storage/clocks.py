"""A clock that a test moves: wall and monotonic time apart, as on a machine whose clock is set."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still until it is moved; `pass_` moves both hands, `step` the wall alone."""

    def __init__(self, at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self._wall, self._monotonic = at, 1_000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return wall time."""
        with self._lock:
            return self._wall

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        with self._lock:
            return self._monotonic

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._wall += timedelta(seconds=seconds)
            self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        with self._lock:
            self._wall += timedelta(seconds=seconds)
