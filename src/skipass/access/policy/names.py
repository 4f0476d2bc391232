"""Object names in rules: `DB.SCHEMA.NAME`, where `*` may stand for a whole part and for nothing less.

Knows how Snowflake folds names and nothing of rules or statements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from skipass.access.sqlguard.names import parse_name, render

ANY = "*"
_PART = re.compile(r'\s*(\*|[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+")\s*')
Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name with None for every part that may be anything; a shorter one holds whatever lies inside it."""

    parts: tuple[str | None, ...]

    def covers(self, name: Name) -> bool:
        """Return whether everything the name can stand for lies inside; a shorter name stands for all it contains."""
        padded = (*name, *[None] * (len(self.parts) - len(name)))
        return all(part is None or part == own for part, own in zip(self.parts, padded, strict=False))

    def touches(self, name: Name) -> bool:
        """Return whether anything the name can stand for lies inside."""
        return all(part is None or part == own for part, own in zip(self.parts, name, strict=False))

    def __str__(self) -> str:
        return ".".join(ANY if part is None else render([part]) for part in self.parts)


def pattern(text: str, most: int = 3) -> Pattern | None:
    """Return the pattern of `OPS_DB.OPS.*`, or None when it is not one of at most `most` parts."""
    parts: list[str | None] = []
    position = 0
    while match := _PART.match(text, position):
        parts.append(None if match[1] == ANY else _folded(match[1]))
        position = match.end()
        if position == len(text):
            return Pattern(tuple(parts)) if len(parts) <= most else None
        if text[position] != ".":
            return None
        position += 1
    return None


def _folded(part: str) -> str | None:
    parsed = parse_name(part)
    return parsed[0] if parsed else part


def named(text: str) -> Name:
    """Return the parts of a name as the guard renders it, a stage's too; no parts for what has no name of its own."""
    parsed = parse_name(text.removeprefix("@"))
    return tuple(part for part in parsed if part is not None) if parsed else ()
