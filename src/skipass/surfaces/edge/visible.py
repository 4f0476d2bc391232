"""Text as a person must see it before deciding on it: what would not show, or would move other text, is spelled out."""

from __future__ import annotations

import unicodedata

# Letters and symbols by category, blank by shape. Source: Unicode 15.1, Default_Ignorable_Code_Point and U+2800.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_LAYOUT = frozenset("\n\t ")


def visible(text: str) -> str:
    """Return the text with every hidden character as `⟨U+200B⟩`; line feeds, tabs and plain spaces stay."""
    return "".join(char if _shows(char) else f"⟨U+{ord(char):04X}⟩" for char in text)


def _shows(char: str) -> bool:
    if char in _LAYOUT or " " < char < "\x7f":
        return True
    return char.isprintable() and char not in _BLANK and unicodedata.category(char) not in ("Mn", "Me")
