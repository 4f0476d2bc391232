"""A rough look at a text too deep or too large to be read: it is refused, and the answer says what it seems to be."""

from __future__ import annotations

import re

from skipass.access.sqlguard.names import Place, parse_name, render, resolve
from skipass.nouns.verdict import StatementKind

_HEAD = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
_PART = r'(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")'
_AFTER_FROM = re.compile(rf"\b(?:FROM|JOIN)\s+({_PART}(?:\.{_PART}){{0,2}})", re.IGNORECASE)
_MOST = 50


def rough_reads(sql: str, place: Place) -> tuple[StatementKind, tuple[str, ...]]:
    """Return the kind that the head suggests and up to 50 names after FROM and JOIN; neither is ever acted upon."""
    head = sql[:100_000]
    kind = StatementKind.READ if _HEAD.match(head) else StatementKind.UNPARSEABLE
    names: dict[str, None] = {}
    for match in _AFTER_FROM.finditer(head):
        resolved = resolve(parse_name(match[1]) or (), place)
        if resolved is not None and len(names) < _MOST:
            names[render(resolved)] = None
    return kind, tuple(names)
