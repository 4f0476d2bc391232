"""Holds the parser's tree against the tokens: its queries and its table names must be the ones the text shows.

Knows tokens and the tree, decides nothing: it yields what the two readers disagree about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from skipass.access.sqlguard.lexer import Lex, Token, words
from skipass.access.sqlguard.names import chain_from

_BEFORE_NAMES = frozenset(("FROM", "JOIN", "INTO", "UPDATE", "USING"))
_NOT_NAMES = frozenset(("TABLE", "LATERAL", "VALUES", "SELECT", "SET", "WITH", "IDENTIFIER", "SEMANTIC_VIEW"))
_FROM_INSIDE = frozenset(("EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION"))

_OTHER_HEADS = words("""
    ALTER BEGIN CALL COMMENT COMMIT COPY CREATE DECLARE DELETE DESC DESCRIBE DROP EXECUTE EXPLAIN GET GRANT INSERT LIST
    LS MERGE PUT REMOVE REVOKE RM ROLLBACK SET SHOW TRUNCATE UNDROP UNSET UPDATE USE""")
_OPERATOR_WORDS = words("""
    AND AS ASC BETWEEN COLLATE DESC FROM ILIKE IN IS LIKE NOT NULLS OR ORDER OVER REGEXP RLIKE UNION WHERE""")


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


def stray_head(tokens: Sequence[Token], i: int, end: int) -> str:
    """Return the word at `i` when it begins a statement in brackets: `(CALL p())`, `WITH q AS (DROP …)`."""
    if tokens[i].word not in _OTHER_HEADS or tokens[i - 1].word != "(" or i + 1 >= end:
        return ""
    after = tokens[i + 1]
    return tokens[i].word if after.kind is not Lex.OP and after.word not in _OPERATOR_WORDS else ""


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
