"""A cursor over the tokens of one statement, for the statements that are read word by word. Knows names, no scope."""

from __future__ import annotations

from dataclasses import dataclass

from skipass.access.sqlguard.constants import closing, text_name
from skipass.access.sqlguard.findings import Findings, Role
from skipass.access.sqlguard.lexer import Lex, Token
from skipass.access.sqlguard.names import Chain, Insert, chain_from, missing
from skipass.access.sqlguard.reader import Source

_END = Token(Lex.OP, "", -1, -1, "")


@dataclass(slots=True)
class Cursor:
    """Where the reading of one statement stands: token `at` of those before `end`."""

    source: Source
    found: Findings
    at: int
    end: int
    stage: int = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without moving; past the end it is an empty one."""
        index = self.at + ahead
        return self.source.tokens[index] if index < self.end else _END

    def done(self) -> bool:
        """Tell whether nothing is left."""
        return self.at >= self.end

    def take(self, *words: str) -> bool:
        """Step over exactly these words, or stay and return False."""
        if all(self.peek(i).word == w for i, w in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def take_any(self, words: frozenset[str]) -> str:
        """Step over one of these words and return it, or return nothing."""
        word = self.peek().word
        if word and word in words:
            self.at += 1
            return word
        return ""

    def text(self) -> Token | None:
        """Step over a string constant and return it."""
        token = self.peek()
        if token.kind in (Lex.STRING, Lex.DOLLAR):
            self.at += 1
            return token
        return None

    def chain(self) -> Chain | None:
        """Step over a dotted name and return it."""
        chain = chain_from(self.source.tokens, self.at, self.end)
        if chain is not None:
            self.at = chain.last + 1
        return chain

    def object(self, *roles: Role) -> tuple[str, str, str] | None:
        """Step over an object name, also as IDENTIFIER('…'), and note it with these roles."""
        if self.peek().word == "IDENTIFIER" and self.peek(1).word == "(":
            return self._identifier(*roles)
        chain = self.chain()
        if chain is None:
            self.found.puzzle(self.peek().text or "end", "An object name is expected here.")
            return None
        return self.found.chain(chain, *roles)

    def _identifier(self, *roles: Role) -> tuple[str, str, str] | None:
        content, last = self.peek(2), closing(self.source.tokens, self.at + 1)
        single = last == self.at + 3
        self.at = last + 1
        if single and content.kind in (Lex.STRING, Lex.DOLLAR):
            return text_name(self.found, content, *roles)
        for role in roles:
            self.found.special("<DYNAMIC>", role, content.start, "The name is not known from the text.")
        return None

    def schema(self, role: Role) -> None:
        """Step over a schema name (one part: in the current database) and note it; none at all: the current schema."""
        place, start = self.found.place, self.peek().start
        chain = self.chain()
        parts = (place.schema,) if chain is None else chain.parts
        whole = parts if len(parts) != 1 else (place.database, *parts)
        if self.found.container(whole, role, start) and chain is not None and len(parts) == 1:
            self.found.inserts.append(Insert(chain.start, missing(2, place)))

    def database(self, role: Role) -> None:
        """Step over a database name and note it; none at all: the current database."""
        start, chain = self.peek().start, self.chain()
        parts = (self.found.place.database,) if chain is None else chain.parts
        if len(parts) == 1:
            self.found.container(parts, role, start)
        else:
            self.found.puzzle("database", "A database name has one part.")

    def brackets(self) -> tuple[int, int] | None:
        """Step over a bracket and return the indices of what is inside."""
        if self.peek().word != "(":
            return None
        opened, closed = self.at, closing(self.source.tokens, self.at)
        self.at = min(closed + 1, self.end)
        return opened + 1, closed

    def finish(self) -> None:
        """Refuse what is left over."""
        if not self.done():
            self.found.puzzle(self.peek().text, "This part of the statement is not understood.")
