"""Seconds with nine places, all as long as each other, to microseconds: the digits of a whole column in one sum.

Pure. Needs numpy, and says None without it or for any other spelling; then the text is read in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_PLACES = 9
_MOST_DIGITS = 11


def micros(seconds: Sequence[str]) -> Any:
    """Return the microseconds of each text as a numpy array of int64, cut and not rounded; None where they differ.

    Texts are `seconds.nanoseconds`: nine places, no sign, seconds of one length of at most eleven digits.
    """
    try:
        import numpy as np
    except ImportError:
        return None
    lengths = set(map(len, seconds))
    length = lengths.pop()
    point = length - _PLACES - 1
    text = "".join(seconds)
    if lengths or not 1 <= point <= _MOST_DIGITS or not text.isascii():
        return None
    # Unsigned bytes: every character below "0" wraps round to more than nine.
    digits = np.frombuffer(text.encode(), np.uint8).reshape(len(seconds), length) - ord("0")
    is_point = digits[:, point] == (ord(".") - ord("0")) % 256
    digits[:, point] = 0
    if not is_point.all() or (digits > 9).any():
        return None
    whole = digits[:, :point] @ _weights(np, point)
    return whole * 1_000_000 + digits[:, point + 1 : point + 7] @ _weights(np, 6)


def _weights(np: Any, count: int) -> Any:
    return 10 ** np.arange(count - 1, -1, -1, dtype=np.int64)
