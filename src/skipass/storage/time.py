"""The one clock of the record: it never goes back, and a wall clock that jumps shows as an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from skipass.clock import Clock

JUMP = timedelta(seconds=5)


class Anchor:
    """The time of the last commit and the monotonic second it was made at.

    One thread advances it, any thread reads it: both parts change in one assignment.
    """

    def __init__(self, clock: Clock, high_water: datetime | None) -> None:
        self._clock = clock
        self._last = (max(clock.now(), high_water) if high_water else clock.now(), clock.monotonic())
        self._behind = timedelta(0)

    def now(self) -> datetime:
        """Return the last commit's time plus the monotonic time since."""
        return self._after(self._clock.monotonic())

    def _after(self, monotonic: float) -> datetime:
        at, since = self._last
        return at + timedelta(seconds=monotonic - since)

    def advance(self, at_least: datetime | None = None) -> tuple[datetime, timedelta]:
        """Return the time for the next commit, and how far the wall clock moved off monotonic time since the last.

        A wall clock that was set back stays behind; that is told once, not at every commit. `at_least` is what another
        writer has committed at.
        """
        monotonic, wall = self._clock.monotonic(), self._clock.now()
        expected = self._after(monotonic)
        drift = wall - expected
        moved, self._behind = drift - self._behind, min(drift, timedelta(0))
        self._last = (max(expected, wall, at_least or wall), monotonic)
        return self._last[0], moved


class ServerClock:
    """The database's wall clock, as last heard, beside this machine's monotonic one: replicas agree on the former."""

    def __init__(self, clock: Clock, heard: datetime) -> None:
        self._clock = clock
        self.hear(heard)

    def hear(self, at: datetime) -> None:
        """Take note of what the database's clock says now."""
        self._heard = (at, self._clock.monotonic())

    def now(self) -> datetime:
        """Return the database's time."""
        at, since = self._heard
        return at + timedelta(seconds=self._clock.monotonic() - since)

    def monotonic(self) -> float:
        """Return this machine's monotonic seconds."""
        return self._clock.monotonic()
