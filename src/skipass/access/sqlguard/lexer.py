"""One pass over an SQL text: tokens with exact positions, bounded before anything recursive sees them.

Knows how Snowflake divides a text into words, strings, comments and operators. Must not know what a statement means.
Source: Snowflake documentation, "String & binary data types" (literals), "Identifier requirements", "Comments".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from skipass.access.sqlguard.pieces import FILE_SCANNER, SCANNER


class Lex(StrEnum):
    """What sort of token a piece of text is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    DOLLAR = "dollar"
    NUMBER = "number"
    VARIABLE = "variable"
    STAGE = "stage"
    URL = "url"
    OP = "op"


class Token(NamedTuple):
    """One token: `word` is the ASCII-upper-cased text of an unquoted word, the text of an operator, else empty.

    A tuple and not a dataclass because a text makes thousands of them.
    """

    kind: Lex
    text: str
    start: int
    end: int
    word: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the guard reads at most: bytes of UTF-8, tokens (and as many comments), bracket levels, joins without ON."""

    max_bytes: int = 1_000_000
    max_tokens: int = 20_000
    max_depth: int = 100
    max_open_joins: int = 8


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place that two readers of SQL could take differently; the text is read on, and refused."""

    piece: str
    message: str


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a text, the text with every comment blanked (same length), and what is doubtful about it."""

    tokens: tuple[Token, ...]
    clean: str
    doubts: tuple[Doubt, ...]


class LexFault(Exception):
    """The text cannot be divided into tokens, or is too large; nothing after this point was looked at."""

    def __init__(self, code: str, piece: str, message: str) -> None:
        super().__init__(message)
        self.code, self.piece, self.message = code, piece, message


_WORD, _OP = SCANNER.groupindex["word"], SCANNER.groupindex["op"]
_AFTER_NUMBER = re.compile(r"[\w$\"']")
_NOT_LINE_END = re.compile(r"[^\n]")
_TEMPLATE = re.compile(r"\{[{%#]")
_UNQUOTED = (Lex.WORD, Lex.VARIABLE, Lex.STAGE)
_LITERALS = {kind.value: kind for kind in Lex if kind is not Lex.WORD and kind is not Lex.OP}
_ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOOSE_SPACE = frozenset("\v\f\x85\u2028\u2029")
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = frozenset(_OPENERS.values())
_PREFIXES = frozenset(("NOT", "-", "+", "PRIOR", "CONNECT_BY_ROOT", "INTERVAL", "EXPLAIN", "DISTINCT", "FROM"))
_UNCONDITIONAL = frozenset(("CROSS", "NATURAL"))
_JOINS = frozenset(("JOIN", "STRAIGHT_JOIN"))
_MARKS = frozenset((*_OPENERS, *_CLOSERS, *_PREFIXES, "CASE", "END", "->", *_JOINS, "ON", "USING"))


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set; the tables of this room are written as such texts."""
    return frozenset(text.split())


def ascii_upper(text: str) -> str:
    """Return the text as Snowflake folds an unquoted identifier: a-z become A-Z and nothing else changes.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    return text.translate(_ASCII_UPPER)


def lex(sql: str, limits: Limits = DEFAULT) -> Lexed:
    """Return the tokens of `sql`, or raise `LexFault` when it is too large, too deep or cannot be divided."""
    refuse_size(sql, limits)
    scan = _Scan(sql, limits)
    scan.run()
    _check_depth(scan.tokens, limits)
    return Lexed(tuple(scan.tokens), scan.clean(), tuple(scan.doubts.values()))


def lex_from(sql: str, start: int, stop: int, limits: Limits = DEFAULT) -> list[Token]:
    """Return the tokens between `start` and `stop`, of which each is the beginning of a token or an end of the text.

    Raises `LexFault` when none begins at `stop`, and for what is doubtful. How a text is divided from a position on
    depends on nothing that stands before it, but for the URLs of PUT and GET, which are not read here: from the
    beginning of a token on these are the tokens that `lex` finds there.
    """
    scan = _Scan(sql, limits)
    reached = scan.take(SCANNER.finditer(sql, start), stop)
    if reached != stop or scan.doubts:
        raise LexFault("unparseable", sql[start:stop], "This part of the text is not divided as it was.")
    return scan.tokens


def refuse_size(sql: str, limits: Limits) -> None:
    """Raise `LexFault` for a text that is too large, or that holds what no SQL text holds."""
    try:
        size = len(sql) if len(sql) > limits.max_bytes else len(sql.encode())
    except UnicodeEncodeError:
        raise LexFault("unparseable", "surrogate", "The text is not valid Unicode.") from None
    if size > limits.max_bytes:
        raise LexFault("statement_too_large", f"{size} bytes", f"The text is over {limits.max_bytes} bytes.")
    if "\0" in sql:
        raise LexFault("unparseable", "U+0000", "The text holds a NUL character.")


class _Scan:
    """The state of one pass: what it has found, and which pieces of the text are no part of any token."""

    __slots__ = ("blanked", "doubts", "limits", "sql", "tokens")

    def __init__(self, sql: str, limits: Limits) -> None:
        self.sql, self.limits = sql, limits
        self.tokens: list[Token] = []
        self.blanked: list[tuple[int, str]] = []
        self.doubts: dict[str, Doubt] = {}

    def run(self) -> None:
        """Read the whole text."""
        matches, stop = SCANNER.finditer(self.sql), len(self.sql)
        while not self.tokens and (match := next(matches, None)):
            self.take((match,), stop)
        if self.tokens and self.tokens[0].word in ("PUT", "GET"):
            matches = FILE_SCANNER.finditer(self.sql, self.tokens[0].end)
        self.take(matches, stop)
        if "$$" in self.sql and any("$$" in t.text and t.kind in _UNQUOTED for t in self.tokens):
            self._doubt("$$", "A name holds $$, where some readers see the beginning of a string.")

    def take(self, matches: Iterable[re.Match[str]], stop: int) -> int:
        """Read the pieces that begin before `stop`, and return where the first one after them begins."""
        tokens, most, make = self.tokens, self.limits.max_tokens, tuple.__new__
        for match in matches:
            group = match.lastindex or 0
            start, end = match.span(group)
            if start >= stop:
                return start
            text = match[group]
            if group == _WORD:
                tokens.append(make(Token, (Lex.WORD, text, start, end, text.upper() if text.isascii() else text)))
            elif group == _OP:
                tokens.append(make(Token, (Lex.OP, text, start, end, text)))
            else:
                self._other(match.lastgroup or "", text, start, end)
            if len(tokens) > most:
                raise LexFault("statement_too_large", "tokens", f"The text has over {most} tokens.")
        return stop

    def clean(self) -> str:
        """Return the text with every comment and odd blank as blanks, and of the same length."""
        pieces, last = [], 0
        for start, blanks in self.blanked:
            pieces += [self.sql[last:start], blanks]
            last = start + len(blanks)
        return "".join((*pieces, self.sql[last:]))

    def _other(self, group: str, text: str, start: int, end: int) -> None:
        if kind := _LITERALS.get(group):
            self._check_literal(kind, text, start, end)
            self.tokens.append(Token(kind, text, start, end, ""))
        elif group == "odd":
            self._odd(text, start)
        else:
            self._comment(group, text, start, end)
        if len(self.blanked) > self.limits.max_tokens:
            raise LexFault("statement_too_large", "comments", f"The text has over {self.limits.max_tokens} comments.")

    def _check_literal(self, kind: Lex, text: str, start: int, end: int) -> None:
        before = self.tokens[-1] if self.tokens else None
        touches = before is not None and before.end == start and before.kind is Lex.WORD
        if kind is Lex.STRING and touches and before is not None and before.word != "X":
            raise LexFault("unparseable", before.text, "A prefix before a string is not Snowflake SQL.")
        if kind is Lex.NUMBER and _AFTER_NUMBER.match(self.sql, end):
            raise LexFault("unparseable", self.sql[start : end + 1], "A number runs into a word.")
        if kind is Lex.VARIABLE and text.endswith("$"):
            raise LexFault("unparseable", text, "Tagged dollar quotes do not exist in Snowflake.")
        if kind is Lex.STAGE and ("//" in text or "/*" in text or "--" in text):
            raise LexFault("unparseable", text[:80], "A stage path holds the beginning of a comment.")

    def _comment(self, group: str, text: str, start: int, end: int) -> None:
        if group == "block" and "/*" in text[2:]:
            self._doubt("/*", "A comment opens inside a comment; readers disagree where it ends.")
        if group == "line" and not self._ordinary_end(end):
            self._doubt("--", "A line comment ends in an unusual line break.")
        if not text.isascii() and any(unicodedata.category(c) == "Cf" for c in text):
            self._doubt("comment", "A comment holds invisible or direction-changing characters.")
        self.blanked.append((start, _NOT_LINE_END.sub(" ", text) if "\n" in text else " " * len(text)))

    def _ordinary_end(self, end: int) -> bool:
        return end == len(self.sql) or self.sql[end] == "\n" or self.sql.startswith("\r\n", end)

    def _doubt(self, piece: str, message: str) -> None:
        """Note a doubt, once however often it arises."""
        self.doubts[piece] = Doubt(piece, message)

    def _odd(self, character: str, start: int) -> None:
        loose = character in _LOOSE_SPACE or unicodedata.category(character) == "Zs"
        if not loose and not (character == "\ufeff" and start == 0):
            raise LexFault("unparseable", _shown(character), _why(character))
        self._doubt(_shown(character), "An unusual character stands where a space would.")
        self.blanked.append((start, " "))


def _shown(character: str) -> str:
    return character if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"


def _why(character: str) -> str:
    if character in "'\"$/":
        return "A string, quoted name or comment is not closed."
    return f"{_shown(character)} is not part of Snowflake SQL here."


def _check_depth(tokens: list[Token], limits: Limits) -> None:
    """Bound everything that a recursive parser recurses on, or tries twice: nested joins double with each level."""
    marks = [(i, t.word) for i, t in enumerate(tokens) if t.word in _MARKS]
    _check_brackets(tokens, marks, limits.max_depth)
    cases = run = arrows = 0
    last = -1
    for i, word in marks:
        cases = cases + 1 if word == "CASE" else max(0, cases - 1) if word == "END" else cases
        if word in _PREFIXES:
            run, last = run + 1 if last == i - 1 else 1, i
        arrows += word == "->"
        if max(cases, run, arrows) > limits.max_depth:
            raise LexFault("statement_too_large", word, f"The text is nested over {limits.max_depth} levels.")
    _check_joins(tokens, marks, limits.max_open_joins)


def _check_brackets(tokens: list[Token], marks: list[tuple[int, str]], max_depth: int) -> None:
    closers: list[str] = []
    for i, word in marks:
        if word in _OPENERS:
            touching = i > 0 and tokens[i - 1].end == tokens[i].start
            if touching and _TEMPLATE.match(tokens[i - 1].word + word):
                raise LexFault("unparseable", "{{", "Template text is not SQL.")
            closers.append(_OPENERS[word])
        elif word in _CLOSERS and (not closers or closers.pop() != word):
            raise LexFault("unparseable", word, "A bracket closes that was not opened.")
        if len(closers) > max_depth:
            raise LexFault("statement_too_large", "depth", f"The text is nested over {max_depth} levels.")
    if closers:
        raise LexFault("unparseable", closers[-1], "A bracket is not closed.")


def _check_joins(tokens: list[Token], marks: list[tuple[int, str]], most: int) -> None:
    waiting = 0
    for i, word in marks:
        if word in _JOINS and (i == 0 or tokens[i - 1].word not in _UNCONDITIONAL):
            waiting += 1
        elif word in ("ON", "USING"):
            waiting = 0
        if waiting > most:
            raise LexFault("statement_too_large", "JOIN", f"Over {most} joins in a row have no condition.")
