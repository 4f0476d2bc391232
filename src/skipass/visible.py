"""Text of which nothing is hidden: what would not show, or would move other text, is written as an escape.

Rows are written by strangers, and a reader that is a model takes characters in that no person ever sees.
"""

from __future__ import annotations

import re

# Shown by Python's reckoning, and yet nothing to see: fillers, blanks by shape, and selectors, which can carry a text.
# Source: Unicode 15.1, Default_Ignorable_Code_Point; U+2800 (an empty braille cell)
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_AS_EMOJI = "\ufe0f"


def visible(text: str, limit: int, *, counted: bool = True, keep: str = "") -> str:
    """Return at most `limit` characters, whatever cannot be seen escaped but the characters of `keep`.

    Text that was cut ends in an ellipsis and, unless `counted` is false, its whole length.
    """
    start = text[:limit]
    plain = is_plain(start.translate(dict.fromkeys(map(ord, keep))) if keep else start)
    shown, whole = (start, True) if plain else _escaped(start, limit, keep)
    if whole and len(text) <= limit:
        return shown
    return f"{shown}… ({len(text):,} characters)" if counted else f"{shown}…"


def is_plain(text: str) -> bool:
    """Return whether every character of a text can be seen."""
    return text.isprintable() and not _UNSEEN.search(text)


def _escaped(text: str, limit: int, keep: str) -> tuple[str, bool]:
    """Return text with its escapes, and whether that is all of it within the limit."""
    shown: list[str] = []
    size, before = 0, ""
    for char in text:
        seen = char if char in keep or is_plain(char) or _is_style(char, before) else _escape(char)
        size += len(seen)
        if size > limit:
            return "".join(shown), False
        shown.append(seen)
        before = char
    return "".join(shown), True


def _is_style(char: str, before: str) -> bool:
    """Return whether this is the one selector that emoji are written with, after something that shows."""
    return char == _AS_EMOJI and before > " " and is_plain(before)


def _escape(char: str) -> str:
    return _NAMED.get(char, f"\\u{{{ord(char):x}}}")
