"""Cuts SQL text into tokens, within bounds, before any parser sees it.

The parser behind is compiled and recursive: deep or huge text would end the process. So the caps here come first
and are counted on tokens alone. Knows Snowflake's lexical rules and nothing of grammar.
Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax and .../sql-reference/data-types-text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from skipass.sandbox import failures

MAX_BYTES = 1_000_000
MAX_TOKENS = 20_000
MAX_DEPTH = 100
MAX_CHAIN = 500
MAX_BARE_JOINS = 8

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
  | (?P<op>::|=>|->|\|\||<=|>=|<>|!=|[-+*/%<>=^|&~:@!])
  | (?P<punct>[()\[\]{},;.?$])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPEN = {"(": ")", "[": "]", "{": "}"}
_LINKS = frozenset({"AND", "OR", "NOT", "UNION", "INTERSECT", "EXCEPT", "MINUS", "JOIN", "IS", "LIKE", "ILIKE"})


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `kind` is string, quoted, number, word, op or punct; `start` and `end` are offsets in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The text in upper case if it is a word, else as it is; what keywords are compared with."""
        return self.text.upper() if self.kind == "word" else self.text


def tokenize(text: str) -> list[Token]:
    """Return the tokens of the text, or raise the vendor's failure for text beyond the bounds or unreadable."""
    if len(text.encode()) > MAX_BYTES:
        raise failures.compilation("000603", "42601", "SQL text is larger than the maximum of 1048576 bytes.")
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _unreadable(text, offset)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), offset, match.end()))
        if len(tokens) > MAX_TOKENS:
            raise failures.unsupported("statement with more than 20000 tokens")
        offset = match.end()
    return tokens


def _unreadable(text: str, offset: int) -> failures.Failure:
    line, position = place(text, offset)
    return failures.compilation("001003", "42000", f"parse error line {line} at position {position} near '{offset}'.")


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line (from one) and position in it (from zero) of an offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1)


def split(tokens: list[Token]) -> list[list[Token]]:
    """Return the statements that semicolons separate, empty ones left out."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";" and token.kind == "punct":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def check_bounds(tokens: list[Token]) -> None:
    """Raise 000002 for text whose tree could be deeper than the parser bears, 001003 for brackets that do not match."""
    _check_joins(tokens)
    depth = _Depth()
    for index, token in enumerate(tokens):
        if token.kind in ("punct", "op", "word"):
            depth.take(token, tokens[index - 1] if index else None)


def _check_joins(tokens: list[Token]) -> None:
    """The parser takes exponential time over joins whose conditions it looks for in vain."""
    bare = 0
    for index, token in enumerate(tokens):
        word = token.upper
        if word in ("ON", "USING"):
            bare = 0
        elif word == "JOIN" and tokens[index - 1].upper not in ("CROSS", "NATURAL"):
            bare += 1
        if bare > MAX_BARE_JOINS:
            raise failures.unsupported("chain of more than 8 joins without a condition")


class _Depth:
    """Nesting and length of operator chains, token by token; each level of brackets has a chain of its own."""

    def __init__(self) -> None:
        self._closers: list[str] = []
        self._chains = [0]
        self._cases = 0

    def take(self, token: Token, before: Token | None) -> None:
        word = token.upper
        if word in _OPEN:
            self._push(_OPEN[word])
        elif word in (")", "]", "}"):
            self._pop(word)
        elif word == ",":
            self._chains[-1] = 0
        elif word in ("CASE", "END"):
            self._cases += 1 if word == "CASE" else -1
        elif token.kind == "op" or word == "." or word in _LINKS:
            self._link(before)
        if len(self._closers) + max(self._cases, 0) > MAX_DEPTH:
            raise failures.unsupported("nesting deeper than 100 levels")

    def _push(self, closer: str) -> None:
        self._closers.append(closer)
        self._chains[-1] += 1
        self._chains.append(0)

    def _pop(self, word: str) -> None:
        if not self._closers or self._closers.pop() != word:
            raise failures.syntax(1, 0, word)
        self._chains.pop()

    def _link(self, before: Token | None) -> None:
        prefix = before is not None and (before.kind == "op" or before.upper == "NOT")
        self._chains[-1] += MAX_CHAIN // MAX_DEPTH if prefix else 1
        if self._chains[-1] > MAX_CHAIN:
            raise failures.unsupported("chain of more than 500 operators")
