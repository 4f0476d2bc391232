"""Numbers as callers write them, bounded before anything is computed with them.

Python reads more as a digit than a protocol does, and numbers of any length; a claim may be no number at all.
"""

from __future__ import annotations

_MOST_DIGITS = 15
_MOST_SECONDS = 10.0**15


def whole(text: str) -> int | None:
    """Return the number that a text of up to 15 ASCII digits is, None for every other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def moment(value: object) -> float | None:
    """Return a claim's time as it was written, None for what is no finite number of a sensible size."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_MOST_SECONDS < value < _MOST_SECONDS:
        return None
    return float(value)
