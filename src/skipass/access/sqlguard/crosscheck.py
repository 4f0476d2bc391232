"""Holds the parser's tree against the tokens: its queries and its table names must be the ones the text shows.

Knows tokens and the tree, decides nothing: it yields what the two readers disagree about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from skipass.access.sqlguard.lexer import Token
from skipass.access.sqlguard.names import chain_from

_BEFORE_NAMES = frozenset(("FROM", "JOIN", "INTO", "UPDATE", "USING"))
_NOT_NAMES = frozenset(("TABLE", "LATERAL", "VALUES", "SELECT", "SET", "WITH", "IDENTIFIER", "SEMANTIC_VIEW"))
_FROM_INSIDE = frozenset(("EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION"))


def crosscheck(
    tokens: Sequence[Token], first: int, end: int, root: exp.Expr, tables: set[int]
) -> Iterator[tuple[str, str]]:
    """Yield a piece and a sentence for each disagreement; `tables` are the positions of the tree's table names."""
    selects = sum(tokens[i].word == "SELECT" for i in range(first, end))
    if selects != sum(1 for _ in root.find_all(exp.Select)):
        yield "SELECT", "The readers of this text disagree about its queries."
    held = tokens[:end]
    for i in range(first, end - 1):
        if held[i].word in _BEFORE_NAMES and not _accounted(held, first, i, tables):
            yield tokens[i + 1].text, "The readers of this text disagree about a name."


def _accounted(tokens: Sequence[Token], first: int, i: int, tables: set[int]) -> bool:
    chain = chain_from(tokens, i + 1)
    if chain is None or tokens[i + 1].word in _NOT_NAMES or tokens[chain.last].start in tables:
        return True
    called = chain.last + 1 < len(tokens) and tokens[chain.last + 1].word == "("
    return called or _operator(tokens, first, i)


def _operator(tokens: Sequence[Token], first: int, i: int) -> bool:
    """Tell whether this FROM or UPDATE belongs to an operator: DISTINCT FROM, EXTRACT(… FROM …), THEN UPDATE."""
    if i and tokens[i - 1].word in ("DISTINCT", "THEN", "FOR"):
        return True
    depth = 0
    for k in range(i - 1, first - 1, -1):
        depth += (tokens[k].word == ")") - (tokens[k].word == "(")
        if depth < 0:
            return tokens[i].word == "FROM" and tokens[k - 1].word in _FROM_INSIDE
    return False
