"""Makes characters visible that a terminal would hide or obey. Pure.

What an agent or an account wrote reaches a person's terminal through here, so that no escape sequence moves the cursor
and no direction mark reorders what is read.
"""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Blank on screen although Unicode calls them letters or marks.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f")


def visible(text: str, *, keep: str = "") -> str:
    """Return `text` with every control, form, unassigned or blank character written as `⟨U+202E⟩`.

    Characters in `keep` stay as they are. Other white space than a plain space is written out as well.
    """
    return "".join(char if char in keep or not _hidden(char) else f"⟨U+{ord(char):04X}⟩" for char in text)


def _hidden(char: str) -> bool:
    if char.isascii():
        return not char.isprintable()
    category = unicodedata.category(char)
    return (
        category in _HIDDEN or category == "Zs" or char in _BLANK or "VARIATION SELECTOR" in unicodedata.name(char, "")
    )
