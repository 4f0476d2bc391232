"""Holds the parser's tree against the tokens: its queries and its table names must be the ones the text shows.

Knows tokens and what was seen of the tree, decides nothing: it yields what the two readers disagree about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skipass.access.sqlguard.lexer import Lex, Token, words
from skipass.access.sqlguard.names import chain_from
from skipass.access.sqlguard.reader import Source

_BEFORE_NAMES = frozenset(("FROM", "JOIN", "INTO", "UPDATE", "USING"))
_NOT_NAMES = frozenset(("TABLE", "LATERAL", "VALUES", "SELECT", "SET", "WITH", "IDENTIFIER", "SEMANTIC_VIEW"))
_FROM_INSIDE = frozenset(("EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION"))

_OTHER_HEADS = words("""
    ALTER BEGIN CALL COMMENT COMMIT COPY CREATE DECLARE DELETE DESC DESCRIBE DROP EXECUTE EXPLAIN GET GRANT INSERT LIST
    LS MERGE PUT REMOVE REVOKE RM ROLLBACK SET SHOW TRUNCATE UNDROP UNSET UPDATE USE""")
_OPERATOR_WORDS = words("""
    AND AS ASC BETWEEN COLLATE DESC FROM ILIKE IN IS LIKE NOT NULLS OR ORDER OVER REGEXP RLIKE UNION WHERE""")


def crosscheck(source: Source, first: int, end: int, queries: int, tables: set[int]) -> Iterator[tuple[str, str]]:
    """Yield a piece and a sentence for each disagreement.

    The tree holds this many `queries`, and `tables` are the positions of its table names.
    """
    if len(source.at(("SELECT",), first, end)) != queries:
        yield "SELECT", "The readers of this text disagree about its queries."
    tokens = source.tokens
    for i in source.at(_BEFORE_NAMES, first, end - 1):
        if not _accounted(tokens, first, i, end, tables):
            yield tokens[i + 1].text, "The readers of this text disagree about a name."


def stray_head(source: Source, first: int, end: int) -> str:
    """Return the word that begins a statement in brackets, `(CALL p())` or `WITH q AS (DROP …)`, if one does."""
    tokens = source.tokens
    for i in source.at(_OTHER_HEADS, first + 1, end - 1):
        after = tokens[i + 1]
        if tokens[i - 1].word == "(" and after.kind is not Lex.OP and after.word not in _OPERATOR_WORDS:
            return tokens[i].word
    return ""


def _accounted(tokens: Sequence[Token], first: int, i: int, end: int, tables: set[int]) -> bool:
    chain = chain_from(tokens, i + 1, end)
    if chain is None or tokens[i + 1].word in _NOT_NAMES or tokens[chain.last].start in tables:
        return True
    called = chain.last + 1 < end and tokens[chain.last + 1].word == "("
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
