"""IDENTIFIER(…) and TABLE('…'): what stands in place of a name, found in the tokens before a parser sees the text.

Knows tokens; must not know the tree or a scope.
Source: https://docs.snowflake.com/en/sql-reference/identifier-literal
"""

from __future__ import annotations

from dataclasses import dataclass

from skipass.access.sqlguard.constants import closing
from skipass.access.sqlguard.findings import Findings
from skipass.access.sqlguard.lexer import Lex, Token
from skipass.access.sqlguard.reader import Source


@dataclass(frozen=True, slots=True)
class StandIn:
    """Tokens `first` to `last` in place of a name; `content` is the constant that names it, None for a variable."""

    first: int
    last: int
    content: Token | None


def stand_ins(source: Source, found: Findings, first: int, end: int) -> list[StandIn]:
    """Return what stands in place of a name, in order; IDENTIFIER of anything else leaves an `unparseable` reason."""
    places = source.at(("IDENTIFIER", "TABLE"), first, end - 1)
    return [stand_in for i in places if (stand_in := _stand_in(source, found, i))]


def _stand_in(source: Source, found: Findings, i: int) -> StandIn | None:
    tokens = source.tokens
    if tokens[i + 1].word != "(":
        return None
    last = closing(tokens, i + 1)
    content = tokens[i + 2] if last == i + 3 else None
    constant = content is not None and content.kind in (Lex.STRING, Lex.DOLLAR)
    variable = content is not None and (content.kind is Lex.VARIABLE or content.word == "?")
    bind = tokens[i + 2].word == ":"
    if not (constant or variable or bind):
        if tokens[i].word == "TABLE":
            return None
        found.puzzle(tokens[i].text, "IDENTIFIER takes one constant, variable or bind.")
    return StandIn(i, last, content if constant else None)
