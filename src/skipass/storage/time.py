"""The one clock of the record: it never goes back, and a wall clock that jumps shows as an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from skipass.clock import Clock

JUMP = timedelta(seconds=5)


class Anchor:
    """The time of the last commit and the monotonic second it was made at."""

    def __init__(self, clock: Clock, high_water: datetime | None) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic()
        self._at = max(clock.now(), high_water) if high_water else clock.now()

    def now(self) -> datetime:
        """Return the last commit's time plus the monotonic time since."""
        return self._at + timedelta(seconds=self._clock.monotonic() - self._monotonic)

    def advance(self) -> tuple[datetime, timedelta]:
        """Return the time for the next commit, and how far the wall clock stands from monotonic time."""
        expected, wall = self.now(), self._clock.now()
        self._monotonic = self._clock.monotonic()
        self._at = max(expected, wall)
        return self._at, wall - expected
