"""A rough division of a text into pieces, for mutations: what may be changed without changing what it means.

Deliberately no lexer of the product's: a blind spot there must not be one here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIECE = re.compile(
    r"""(?P<comment>/\*.*?\*/|(?:--|//)[^\n\r]*)
      | (?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<space>[ \t\n]+)
      | (?P<number>\d+(?:\.\d+)?(?![\w$]))
      | (?P<stage>@[^\s,;()]*)
      | (?P<word>[A-Za-z_][\w$]*)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: `comment`, `string`, `quoted`, `space`, `number`, `stage`, `word` or `sign`."""

    kind: str
    text: str


def pieces(sql: str) -> list[Piece]:
    """Return the pieces of a text; joined they are the text."""
    return [Piece(m.lastgroup or "sign", m[0]) for m in _PIECE.finditer(sql)]


def joined(parts: list[Piece]) -> str:
    """Return the text that pieces make."""
    return "".join(piece.text for piece in parts)
