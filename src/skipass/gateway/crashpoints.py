"""Named points between two writes, where a test may kill the process. Outside such a test they do nothing."""

from __future__ import annotations

import os
import signal

POINTS = frozenset(
    {
        "intent_recorded",
        "before_submit",
        "submitted_unrecorded",
        "handle_recorded",
        "before_outcome",
        "outcome_recorded",
        "decision_recorded",
        "refresh_claimed",
        "refresh_answered",
        "refresh_recorded",
    }
)
_armed: dict[str, int] = {}


def arm(point: str, passes: int = 0) -> None:
    """Kill this process with SIGKILL when `point` is reached after `passes` earlier times."""
    if point not in POINTS:
        raise ValueError(f"unknown crash point {point!r}")
    _armed[point] = passes


def reached(point: str) -> None:
    """Say that this point is reached."""
    if not _armed or point not in _armed:
        return
    if _armed[point] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed[point] -= 1
