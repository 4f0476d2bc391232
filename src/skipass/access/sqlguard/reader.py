"""The parser, kept at arm's length: its tokens must lie on ours, its failures become None, its log lines are dropped.

The only module that runs it. Knows tokens; must not know what a statement means.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token as ParserToken
from sqlglot.tokenizer_core import TokenType

from skipass.access.sqlguard.lexer import Lex, Lexed, Token

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
# What the parser divides otherwise than we do, or puts together.
_DIVIDED = (Lex.STAGE, Lex.VARIABLE, Lex.OP)
_LITERALS = (Lex.STRING, Lex.DOLLAR, Lex.QUOTED)
_LOGGER = logging.getLogger("sqlglot")
_DIALECT = Dialect.get_or_raise("snowflake")


@dataclass(frozen=True, slots=True)
class Source:
    """A text as the parser sees it: our tokens, the text with its comments blanked, and where each word stands."""

    tokens: tuple[Token, ...]
    clean: str
    places: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, lexed: Lexed) -> Source:
        """Return the source of a text that was divided."""
        places: dict[str, list[int]] = {}
        for i, token in enumerate(lexed.tokens):
            if word := token.word:
                places.setdefault(word, []).append(i)
        return cls(lexed.tokens, lexed.clean, places)

    def at(self, words: Iterable[str], first: int, end: int) -> list[int]:
        """Return the indices from `first` up to `end`, in order, at which one of these words stands."""
        found: list[int] = []
        for word in words:
            places = self.places.get(word, ())
            found += places[bisect_left(places, first) : bisect_left(places, end)]
        return sorted(found)


def _agree(ours: Sequence[Token], theirs: Sequence[ParserToken], base: int) -> None:
    """Raise ValueError unless every token of the parser's lies on ours; the parser counts from the character `base`."""
    exact = {(t.start + base, t.end + base + 1) for t in theirs}
    missing = exact.difference([(t.start, t.end) for t in ours])
    if missing and not _loose(ours, missing):
        raise ValueError("the readers disagree where a token begins or ends")
    literals = [t for t in ours if t.kind in _LITERALS and (t.start, t.end) not in exact]
    if literals and not all(_hex(ours, t) for t in literals):
        raise ValueError("the readers disagree about a string or quoted name")


def _loose(ours: Sequence[Token], theirs: Iterable[tuple[int, int]]) -> bool:
    """Tell whether each of these lies on our boundaries, or ends inside a stage, a variable or an operator."""
    starts, ends = {t.start for t in ours}, {t.end for t in ours}
    rest = [(start, end) for start, end in theirs if start not in starts or end not in ends]
    inner = [range(t.start, t.end + 1) for t in ours if t.kind in _DIVIDED] if rest else []
    loose = {p for places in inner for p in places}
    return all((start in starts or start in loose) and (end in ends or end in loose) for start, end in rest)


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
    theirs = [part for token in _DIALECT.tokenize(text) for part in _parted(token)]
    _agree(source.tokens[first:end], theirs, base)
    return theirs


def _parted(token: ParserToken) -> tuple[ParserToken, ...]:
    """Return a token as Snowflake divides it: `?::` is a bind and a cast, not the operator that other dialects have."""
    if token.token_type is not TokenType.QDCOLON:
        return (token,)
    bind = ParserToken(TokenType.PLACEHOLDER, "?", token.line, token.col, token.start, token.start)
    cast = ParserToken(TokenType.DCOLON, "::", token.line, token.col, token.start + 1, token.end)
    return bind, cast


def _substitute(
    source: Source, base: int, theirs: list[ParserToken], groups: Sequence[tuple[int, int]]
) -> list[ParserToken]:
    """Put one name in place of each group of tokens, IDENTIFIER(…) or TABLE('…'); our tokens say which name."""
    if not groups:
        return theirs
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
