"""The parser, kept at arm's length: its tokens must lie on ours, its failures become None, its log lines are dropped.

The only module that runs it. Knows tokens; must not know what a statement means.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token as ParserToken
from sqlglot.tokenizer_core import TokenType

from skipass.access.sqlguard.lexer import Lex, Token

# What the parser raises on text that is not SQL, beside its own errors.
_FAILURES = (
    SqlglotError,
    RecursionError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
_LOGGER = logging.getLogger("sqlglot")
_DIALECT = Dialect.get_or_raise("snowflake")


@dataclass(frozen=True, slots=True)
class Source:
    """A text as the parser sees it: our tokens, and the text with its comments blanked."""

    tokens: tuple[Token, ...]
    clean: str


def _agree(ours: Sequence[Token], theirs: Sequence[ParserToken]) -> None:
    """Raise ValueError unless every token of the parser's lies on ours; both count from the same character."""
    starts = {t.start for t in ours}
    ends = {t.end for t in ours}
    inner = [(t.start, t.end) for t in ours if t.kind in (Lex.STAGE, Lex.VARIABLE, Lex.OP)]
    loose = {p for start, end in inner for p in range(start, end + 1)}
    for token in theirs:
        if not (token.start in starts or token.start in loose) or not (token.end + 1 in ends or token.end + 1 in loose):
            raise ValueError("the readers disagree where a token begins or ends")
    exact = {(t.start, t.end + 1) for t in theirs}
    literals = (Lex.STRING, Lex.DOLLAR, Lex.QUOTED)
    if any(t.kind in literals and (t.start, t.end) not in exact and not _hex(ours, t) for t in ours):
        raise ValueError("the readers disagree about a string or quoted name")


def _hex(ours: Sequence[Token], literal: Token) -> bool:
    return any(t.word == "X" and t.end == literal.start for t in ours)


@contextmanager
def _silent() -> Iterator[None]:
    """The parser's warnings quote the text it reads, which may hold what no log should."""
    before, _LOGGER.disabled = _LOGGER.disabled, True
    try:
        yield
    finally:
        _LOGGER.disabled = before


def _tokens(source: Source, first: int, end: int, text: str) -> list[ParserToken]:
    """Return the parser's tokens of one statement, after holding them against ours."""
    base = source.tokens[first].start
    theirs = list(_DIALECT.tokenize(text))
    _agree([t._replace(start=t.start - base, end=t.end - base) for t in source.tokens[first:end]], theirs)
    return theirs


def _substitute(
    source: Source, base: int, theirs: list[ParserToken], groups: Sequence[tuple[int, int]]
) -> list[ParserToken]:
    """Put one name in place of each group of tokens, IDENTIFIER(…) or TABLE('…'); our tokens say which name."""
    ends = {source.tokens[first].start - base: source.tokens[last].end - base for first, last in groups}
    kept: list[ParserToken] = []
    until = 0
    for token in theirs:
        if token.start >= until and (end := ends.get(token.start)):
            kept.append(ParserToken(TokenType.IDENTIFIER, f"name {token.start}", 1, 1, token.start, end - 1))
            until = end
        elif token.start >= until:
            kept.append(token)
    return kept


def parse(source: Source, first: int, end: int, groups: Sequence[tuple[int, int]]) -> exp.Expr | None:
    """Return the parser's tree of the tokens `first` to `end`, or None when it has none or the two readers disagree.

    Positions in the tree count from the start of token `first`. Each of `groups` is read as one name.
    """
    base = source.tokens[first].start
    text = source.clean[base : source.tokens[end - 1].end]
    try:
        with _silent():
            theirs = _substitute(source, base, _tokens(source, first, end, text), groups)
            trees = _DIALECT.parser().parse(theirs, text)
    except _FAILURES:
        return None
    return trees[0] if len(trees) == 1 else None
