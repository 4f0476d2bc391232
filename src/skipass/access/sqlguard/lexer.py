"""One pass over an SQL text: tokens with exact positions, bounded before anything recursive sees them.

Knows how Snowflake divides a text into words, strings, comments and operators. Must not know what a statement means.
Source: Snowflake documentation, "String & binary data types" (literals), "Identifier requirements", "Comments".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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
    """What the guard reads at most, in bytes of UTF-8, tokens, bracket levels and joins still waiting for ON."""

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


_NAME = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_SCANNER = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<line>(?:--|//)[^\n\r\v\f\x85\u2028\u2029]*)
    |(?P<block>/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*')
    |(?P<dollar>\$\$.*?\$\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<variable>\$(?:\d+|[A-Za-z_][\w$]*))
    |(?P<stage>@(?:~|%NAME|NAME(?:\.NAME)?(?:\.%?NAME)?)(?:/[^\s,;()'"]*)?)
    |(?P<number>\d+(?:\.\d+|\.(?![\w."]))?(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<op>->>|->|=>|::|:=|<>|!=|<=|>=|\|\||/(?!\*)|[-()\[\]{},;.+*%<>=!:?|])
    """.replace("NAME", _NAME),
    re.VERBOSE | re.DOTALL,
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9]*://[^\s;]*")
_AFTER_NUMBER = re.compile(r"[\w$\"']")
_NESTED = re.compile(r"/\*.*/\*", re.DOTALL)
_TEMPLATE = re.compile(r"\{[{%#]")
_KINDS = {name: Lex(name) for name in ("string", "dollar", "quoted", "variable", "stage", "number", "word", "op")}
_ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOOSE_SPACE = frozenset("\v\f\x85\u2028\u2029")
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_PREFIXES = frozenset(("NOT", "-", "+", "PRIOR", "CONNECT_BY_ROOT", "INTERVAL", "EXPLAIN", "DISTINCT"))
_UNCONDITIONAL = frozenset(("CROSS", "NATURAL"))


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set; the tables of this room are written as such texts."""
    return frozenset(text.split())


def ascii_upper(text: str) -> str:
    """Return the text as Snowflake folds an unquoted identifier: a-z become A-Z and nothing else changes.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    return text.translate(_ASCII_UPPER)


def folded(word: str) -> str:
    """Return an unquoted word upper-cased; one that is not all ASCII is no documented identifier and stays as it is."""
    return ascii_upper(word) if word.isascii() else word


def lex(sql: str, limits: Limits = DEFAULT) -> Lexed:
    """Return the tokens of `sql`, or raise `LexFault` when it is too large, too deep or cannot be divided."""
    _refuse_size(sql, limits)
    scan = _Scan(sql, limits)
    scan.run()
    _check_depth(scan.tokens, limits)
    return Lexed(tuple(scan.tokens), "".join(scan.clean), tuple(scan.doubts))


def _refuse_size(sql: str, limits: Limits) -> None:
    try:
        size = len(sql) if len(sql) > limits.max_bytes else len(sql.encode())
    except UnicodeEncodeError:
        raise LexFault("unparseable", "surrogate", "The text is not valid Unicode.") from None
    if size > limits.max_bytes:
        raise LexFault("statement_too_large", f"{size} bytes", f"The text is over {limits.max_bytes} bytes.")
    if "\0" in sql:
        raise LexFault("unparseable", "U+0000", "The text holds a NUL character.")


class _Scan:
    """The state of one pass: where it is, and what it has found."""

    __slots__ = ("clean", "doubts", "limits", "position", "sql", "tokens")

    def __init__(self, sql: str, limits: Limits) -> None:
        self.sql, self.limits, self.position = sql, limits, 0
        self.tokens: list[Token] = []
        self.clean: list[str] = []
        self.doubts: list[Doubt] = []

    def run(self) -> None:
        match_at = _SCANNER.match
        while self.position < len(self.sql):
            match = match_at(self.sql, self.position)
            if match is None or self._client_url(match):
                self._odd_character()
                continue
            group = match.lastgroup or ""
            if kind := _KINDS.get(group):
                self._token(kind, match.group(), match.end())
            else:
                self._blank(group, match.group(), match.end())

    def _token(self, kind: Lex, text: str, end: int) -> None:
        if kind is not Lex.OP and kind is not Lex.WORD:
            self._check_literal(kind, text, end)
        word = folded(text) if kind is Lex.WORD else text if kind is Lex.OP else ""
        self.tokens.append(Token(kind, text, self.position, end, word))
        self.clean.append(text)
        self.position = end
        if len(self.tokens) > self.limits.max_tokens:
            raise LexFault("statement_too_large", "tokens", f"The text has over {self.limits.max_tokens} tokens.")

    def _check_literal(self, kind: Lex, text: str, end: int) -> None:
        before = self.tokens[-1] if self.tokens else None
        touches = before is not None and before.end == self.position and before.kind is Lex.WORD
        if kind is Lex.STRING and touches and before is not None and before.word != "X":
            raise LexFault("unparseable", before.text, "A prefix before a string is not Snowflake SQL.")
        if kind is Lex.NUMBER and _AFTER_NUMBER.match(self.sql, end):
            raise LexFault("unparseable", self.sql[self.position : end + 1], "A number runs into a word.")
        if kind is Lex.VARIABLE and text.endswith("$"):
            raise LexFault("unparseable", text, "Tagged dollar quotes do not exist in Snowflake.")
        if kind is Lex.STAGE and ("//" in text or "/*" in text or "--" in text):
            raise LexFault("unparseable", text[:80], "A stage path holds the beginning of a comment.")

    def _blank(self, group: str, text: str, end: int) -> None:
        if group == "block" and _NESTED.match(text):
            self.doubts.append(Doubt("/*", "A comment opens inside a comment; readers disagree where it ends."))
        if group == "line" and not self._ordinary_end(end):
            self.doubts.append(Doubt("--", "A line comment ends in an unusual line break."))
        if group != "space" and any(unicodedata.category(c) == "Cf" for c in text if not c.isascii()):
            self.doubts.append(Doubt("comment", "A comment holds invisible or direction-changing characters."))
        self.clean.append(text if group == "space" else re.sub(r"[^\n]", " ", text))
        self.position = end

    def _ordinary_end(self, end: int) -> bool:
        return end == len(self.sql) or self.sql[end] == "\n" or self.sql.startswith("\r\n", end)

    def _client_url(self, match: re.Match[str]) -> bool:
        """PUT and GET name a local file as a bare URL, whose slashes would otherwise read as a comment."""
        if match.lastgroup != "word" or not self.tokens or self.tokens[0].word not in ("PUT", "GET"):
            return False
        return _URL.match(self.sql, self.position) is not None

    def _odd_character(self) -> None:
        if self.tokens and (url := _URL.match(self.sql, self.position)):
            return self._token(Lex.URL, url.group(), url.end())
        character = self.sql[self.position]
        loose = character in _LOOSE_SPACE or unicodedata.category(character) == "Zs"
        if not loose and not (character == "\ufeff" and self.position == 0):
            raise LexFault("unparseable", _shown(character), _why(character))
        self.doubts.append(Doubt(_shown(character), "An unusual character stands where a space would."))
        self.clean.append(" ")
        self.position += 1
        return None


def _shown(character: str) -> str:
    return character if character.isascii() and character.isprintable() else f"U+{ord(character):04X}"


def _why(character: str) -> str:
    if character in "'\"$/":
        return "A string, quoted name or comment is not closed."
    return f"{_shown(character)} is not part of Snowflake SQL here."


def _check_depth(tokens: list[Token], limits: Limits) -> None:
    """Bound everything that a recursive parser recurses on, or tries twice: nested joins double with each level."""
    _check_brackets(tokens, limits.max_depth)
    cases = run = arrows = 0
    for token in tokens:
        word = token.word
        cases = cases + 1 if word == "CASE" else max(0, cases - 1) if word == "END" else cases
        run = run + 1 if word in _PREFIXES else 0
        arrows += word == "->"
        if max(cases, run, arrows) > limits.max_depth:
            raise LexFault("statement_too_large", word, f"The text is nested over {limits.max_depth} levels.")
    _check_joins(tokens, limits.max_open_joins)


def _check_brackets(tokens: list[Token], max_depth: int) -> None:
    closers: list[str] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        word = token.word
        if word in _OPENERS:
            if before is not None and before.end == token.start and _TEMPLATE.match(before.word + word):
                raise LexFault("unparseable", "{{", "Template text is not SQL.")
            closers.append(_OPENERS[word])
        elif word in (")", "]", "}") and (not closers or closers.pop() != word):
            raise LexFault("unparseable", word, "A bracket closes that was not opened.")
        if len(closers) > max_depth:
            raise LexFault("statement_too_large", "depth", f"The text is nested over {max_depth} levels.")
    if closers:
        raise LexFault("unparseable", closers[-1], "A bracket is not closed.")


def _check_joins(tokens: list[Token], most: int) -> None:
    waiting = 0
    for before, token in zip((None, *tokens), tokens, strict=False):
        if token.word == "JOIN" and (before is None or before.word not in _UNCONDITIONAL):
            waiting += 1
        elif token.word in ("ON", "USING"):
            waiting = 0
        if waiting > most:
            raise LexFault("statement_too_large", "JOIN", f"Over {most} joins in a row have no condition.")
