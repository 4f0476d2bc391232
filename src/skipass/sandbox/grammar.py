"""Reads administration statements off the token list: keywords, names, `KEY = value` options.

Only for statements whose grammar is flat (users, roles, grants, SHOW …); queries go to the real parser.
"""

from __future__ import annotations

from skipass.sandbox import failures
from skipass.sandbox.lexer import Token, place
from skipass.sandbox.names import stored


class Reader:
    """A cursor over one statement's tokens; every `take` raises the vendor's syntax failure on a mismatch."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether everything was read."""
        return self._at >= len(self._tokens)

    def peek(self, ahead: int = 0) -> str:
        """Return a coming token, words in upper case; empty at the end."""
        index = self._at + ahead
        return self._tokens[index].upper if index < len(self._tokens) else ""

    def accept(self, *words: str) -> bool:
        """Read these words if they come next, in order."""
        if all(self.peek(index) == word for index, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def choose(self, *words: str) -> str | None:
        """Read one of these words if it comes next, and return it."""
        word = self.peek()
        if word in words:
            self._at += 1
            return word
        return None

    def take(self, *words: str) -> None:
        """Read exactly these words."""
        for word in words:
            if not self.accept(word):
                raise self.unexpected()

    def token(self) -> Token:
        """Read whatever token comes next."""
        if self.done:
            raise self.unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def identifier(self) -> str:
        """Read an identifier and return its stored name."""
        token = self.token()
        if token.kind not in ("word", "quoted"):
            self._at -= 1
            raise self.unexpected()
        return stored(token.text)

    def path(self) -> list[str]:
        """Read a dotted name and return its stored parts; the empty part of `db..t` comes back as PUBLIC."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append("PUBLIC" if self.peek() == "." else self.identifier())
        return parts

    def string(self) -> str:
        """Read a string literal and return its value."""
        token = self.token()
        if token.kind != "string":
            self._at -= 1
            raise self.unexpected()
        return literal(token.text)

    def number(self) -> int:
        """Read a whole number."""
        token = self.token()
        if token.kind != "number" or not token.text.isdigit():
            self._at -= 1
            raise self.unexpected()
        return int(token.text)

    def if_exists(self) -> bool:
        """Read IF EXISTS if it comes."""
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Read IF NOT EXISTS if it comes."""
        return self.accept("IF", "NOT", "EXISTS")

    def options(self) -> dict[str, str]:
        """Read `KEY = value` pairs to the end; a list comes back as its values joined by commas."""
        found: dict[str, str] = {}
        while not self.done:
            self.accept(",")
            name = self.identifier()
            self.take("=")
            found[name] = self._value()
        return found

    def _value(self) -> str:
        if self.accept("("):
            values: list[str] = []
            while not self.accept(")"):
                self.accept(",")
                values.append(self._value())
            return ",".join(values)
        sign = "-" if self.accept("-") else ""
        token = self.token()
        if token.kind == "string":
            return literal(token.text)
        if token.kind in ("word", "quoted"):
            parts = [stored(token.text)]
            while self.accept("."):
                parts.append(self.identifier())
            return ".".join(parts)
        if token.kind == "number":
            return sign + token.text
        raise self.unexpected()

    def rest(self) -> str:
        """Read everything that is left and return it as it was written."""
        if self.done:
            raise self.unexpected()
        text = self._text[self._tokens[self._at].start : self._tokens[-1].end]
        self._at = len(self._tokens)
        return text

    def finish(self) -> None:
        """Raise unless everything was read."""
        if not self.done:
            raise self.unexpected()

    def unexpected(self) -> failures.Failure:
        """Return the syntax failure for the token that comes next."""
        if self.done:
            line, position = place(self._text, self._tokens[-1].end if self._tokens else 0)
            return failures.syntax(line, position, "<EOF>")
        token = self._tokens[self._at]
        line, position = place(self._text, token.start)
        return failures.syntax(line, position, token.text)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}


def literal(text: str) -> str:
    """Return the value of a string literal as written: quotes, doubled quotes and backslash escapes undone."""
    if text.startswith("$$"):
        return text[2:-2]
    out: list[str] = []
    inner, index = text[1:-1], 0
    while index < len(inner):
        char = inner[index]
        if char == "\\" and index + 1 < len(inner):
            out.append(_ESCAPES.get(inner[index + 1], inner[index + 1]))
            index += 2
        else:
            out.append(char)
            index += 2 if char == "'" else 1
    return "".join(out)
