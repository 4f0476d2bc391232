"""The sweep: what the tokens of a query or DML statement show that a syntax tree does not.

Function calls, sequences, stages, and objects named in strings are read here, from the text itself, so that no parser's
idea of them matters. Knows tokens and names; must not know the tree or a scope.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from skipass.access.sqlguard import functions
from skipass.access.sqlguard.constants import closing, split_arguments, stage, text_name, text_of
from skipass.access.sqlguard.findings import Findings, Ref, Role
from skipass.access.sqlguard.lexer import Lex, Token
from skipass.access.sqlguard.names import Chain, chain_ending, chain_from, fold, parse_name, render
from skipass.nouns.verdict import StatementKind

_NAMES = (Lex.WORD, Lex.QUOTED)
_TEXTS = (Lex.STRING, Lex.DOLLAR)
# How far from each of these marks the token stands that it says something about.
_BESIDE = {"(": -1, "=>": -1, ".": 1, "!": 0}


@dataclass(slots=True)
class Sweep:
    """One pass over the tokens `first` to `end` of a statement; `names` are starts of tokens known not to be calls."""

    tokens: Sequence[Token]
    found: Findings
    first: int
    end: int
    names: frozenset[int] = frozenset()
    syntax_calls: set[str] = field(default_factory=set)
    _type_brackets: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> None:
        """Note every call, sequence, stage and named string between the two token indices."""
        for i in self._spots():
            token, following = self.tokens[i], self.tokens[i + 1].word if i + 1 < self.end else ""
            if token.kind is Lex.STAGE:
                stage(self.found, token.text, Role.READ, token.start)
            elif token.word == "!":
                self.found.refuse("!", "A method of a model or class instance is not a built-in function.")
            elif token.kind is Lex.VARIABLE and following == "(":
                self.found.puzzle(token.text, "Something other than a name is called.")
            elif token.kind in _NAMES:
                self._letters(token, following)
                self._name(i, following)

    def _spots(self) -> list[int]:
        """Return where the text shows more than a word, a constant or an operator by itself."""
        part = self.tokens[self.first : self.end]
        marks = [(i, t.word) for i, t in enumerate(part, self.first) if t.word in _BESIDE]
        spots = {i + _BESIDE[word] for i, word in marks}
        spots.update(i for i, t in enumerate(part, self.first) if t.kind is Lex.STAGE or not t.text.isascii())
        return sorted(i for i in spots if self.first <= i < self.end)

    def _letters(self, token: Token, following: str) -> None:
        """Refuse letters beyond ASCII where the word is called, or where folding would make another word of it."""
        if token.kind is not Lex.WORD or token.text.isascii() or self.found.foreign:
            return
        if following in ("(", "=>") or unicodedata.normalize("NFKC", token.text).upper().isascii():
            self.found.refuse(token.text, "An unquoted name may hold ASCII letters only; quote it.", "unparseable")

    def _name(self, i: int, following: str) -> None:
        if following == "(":
            self._call(i)
        elif following == "=>" and fold(self.tokens[i]) in ("STREAM", "FILE_FORMAT") and i + 2 < self.end:
            self._named_argument(i + 2)
        if i and self.tokens[i - 1].word == "." and fold(self.tokens[i]) == "NEXTVAL":
            self._sequence(chain_ending(self.tokens, i, self.end))

    def _sequence(self, chain: Chain | None) -> None:
        if chain is None or len(chain.parts) < 2:
            return self.found.puzzle("NEXTVAL", "This is not the next value of a sequence.")
        name = Chain(chain.first, chain.last - 2, chain.start, chain.parts[:-1], chain.second_dot, chain.foreign)
        self.found.chain(name, Role.READ, Role.WRITE)
        return self._writes()

    def _writes(self) -> None:
        if self.found.kind is StatementKind.READ:
            self.found.kind = StatementKind.WRITE

    def _named_argument(self, i: int) -> None:
        token = self.tokens[i]
        if token.kind in _TEXTS:
            text_name(self.found, token, Role.READ)
        elif token.kind in _NAMES and (chain := chain_from(self.tokens, i, self.end)):
            self.found.chain(chain, Role.READ)

    def _call(self, i: int) -> None:
        token = self.tokens[i]
        if token.start in self.names or (i and self.tokens[i - 1].word == "!"):
            return
        if token.word and self._is_syntax(i):
            return
        chain = chain_ending(self.tokens, i, self.end)
        if chain is None:
            self.found.puzzle(token.text, "Something other than a name is called.")
        elif len(chain.parts) == 1:
            self._single(fold(token), chain, i + 1)
        else:
            self._qualified(chain)

    def _is_syntax(self, i: int) -> bool:
        word, before = self.tokens[i].word, self.tokens[i - 1] if i else None
        if before is not None and before.word == ".":
            return False
        if word in functions.TYPES and before is not None and self._is_type(i, before.word):
            self._type_brackets.append((i + 1, closing(self.tokens, i + 1)))
            return True
        if word in functions.SYNTAX or tuple(t.word for t in self.tokens[max(i - 2, 0) : i + 1]) in functions.PHRASES:
            self.syntax_calls.add(word)
            return True
        return False

    def _is_type(self, i: int, before: str) -> bool:
        """Tell whether a type's name at `i` is meant as one: after `::` or AS, or inside another type's bracket."""
        if before in ("::", "AS", "RETURNS"):
            return True
        return before in ("(", ",") and any(opened < i < closed for opened, closed in self._type_brackets[-100:])

    def _single(self, name: str, chain: Chain, bracket: int) -> None:
        if name in functions.NAMES_OBJECT:
            self._names_object(name, bracket)
        elif handler := _SPECIAL.get(name):
            handler(self, bracket)
        if name in functions.BUILTIN or name in functions.NAMES_OBJECT or name in _ALLOWED_SPECIAL:
            return
        if name in functions.PATTERN and "MATCH_RECOGNIZE" in self.syntax_calls:
            return
        if name in functions.REFUSED:
            self.found.refuse(name, functions.REFUSED[name])
        elif name.startswith("AI_"):
            self.found.refuse(name, "AI functions cost money and send data to a model.")
        elif name.startswith("SYSTEM$"):
            self._system(name)
        else:
            self.found.chain(chain, Role.CALL)

    def _system(self, name: str) -> None:
        if name.removeprefix("SYSTEM$") in functions.ADMINISTER:
            self.found.kind = StatementKind.ADMIN
        self.found.refuse(name, "SYSTEM$ functions reach past the statement's own objects.")

    def _qualified(self, chain: Chain) -> None:
        resolved = self.found.chain(chain, Role.CALL)
        if resolved is None:
            return
        if resolved[0] == "SNOWFLAKE":
            self.found.refuse(render(resolved), "Functions of the SNOWFLAKE database are not for sessions.")
        elif resolved[1] == "INFORMATION_SCHEMA":
            self.found.refs.append(Ref(render(resolved), resolved, Role.READ, chain.start))
            self.found.refuse(render(resolved), "It returns the account's activity, not this scope's.")

    def _names_object(self, name: str, bracket: int) -> None:
        arguments = split_arguments(self.tokens, bracket)
        index = functions.NAMES_OBJECT[name]
        token = _only(self.tokens, arguments[index]) if index < len(arguments) else None
        if token is None or token.kind not in _TEXTS:
            self.found.special(
                "<DYNAMIC>", Role.READ, self.tokens[bracket].start, "The object is not known from the text."
            )
        elif name == "GET_DDL":
            self._get_ddl(_only(self.tokens, arguments[0]), token)
        else:
            text_name(self.found, token, Role.READ)

    def _get_ddl(self, kind: Token | None, token: Token) -> None:
        wanted = kind.text.strip("'$").upper() if kind is not None else ""
        if wanted not in functions.DDL_TYPES:
            self.found.refuse(f"GET_DDL {wanted}", "Definitions of this kind of object are not for sessions.")
        elif wanted in ("SCHEMA", "DATABASE"):
            parts = parse_name(text_of(token) or "") or ()
            whole = parts if wanted == "DATABASE" or len(parts) != 1 else (self.found.place.database, *parts)
            self.found.container(whole, Role.ABOUT, token.start)
            if wanted == "SCHEMA" and len(parts) == 1:
                self.found.refuse("GET_DDL", "Name the schema in full, DB.SCHEMA, inside this string.")
        elif wanted in ("FUNCTION", "PROCEDURE"):
            self.found.refuse("GET_DDL", "The definition of stored code is not for sessions.")
        else:
            text_name(self.found, token, Role.READ)


def _infer_schema(sweep: Sweep, bracket: int) -> None:
    """The location is the one constant that begins with `@`; without exactly that it is not known what is read."""
    constants = [sweep.tokens[i] for a in split_arguments(sweep.tokens, bracket) for i in a]
    locations = [t for t in constants if t.kind in _TEXTS and (text_of(t) or "@").startswith("@")]
    if len(locations) == 1:
        _stage_text(sweep, locations[0])
    else:
        sweep.found.special("<DYNAMIC>", Role.READ, sweep.tokens[bracket].start, "The location is not known.")


def _to_file(sweep: Sweep, bracket: int) -> None:
    arguments = split_arguments(sweep.tokens, bracket)
    token = _only(sweep.tokens, arguments[0]) if arguments else None
    if token is not None and token.kind in _TEXTS:
        _stage_text(sweep, token)


def _stage_text(sweep: Sweep, token: Token) -> None:
    location = text_of(token) or ""
    if location.startswith("@"):
        stage(sweep.found, location, Role.READ, token.start, inside=len(token.text) - len(token.text.lstrip("'$")))
    else:
        sweep.found.special(location or "<DYNAMIC>", Role.READ, token.start, "This is not a stage.")


def _object_references(sweep: Sweep, bracket: int) -> None:
    values: dict[str, str] = {}
    for argument in split_arguments(sweep.tokens, bracket):
        if len(argument) == 3 and sweep.tokens[argument[2]].kind in _TEXTS:
            values[sweep.tokens[argument[0]].word] = text_of(sweep.tokens[argument[2]]) or ""
    parts = [values.get(k, "") for k in ("DATABASE_NAME", "SCHEMA_NAME", "OBJECT_NAME")]
    if all(parts):
        sweep.found.name(parts, (Role.READ,), sweep.tokens[bracket].start)


def _result(sweep: Sweep, bracket: int) -> None:
    sweep.found.refs.append(Ref("<RESULT>", (), Role.READ, sweep.tokens[bracket].start))


def _next_value(sweep: Sweep, bracket: int) -> None:
    chain = chain_from(sweep.tokens, bracket + 1, sweep.end)
    if chain is None or sweep.tokens[chain.last + 1].word != ")":
        sweep.found.special("<DYNAMIC>", Role.WRITE, sweep.tokens[bracket].start, "The sequence is not known.")
    else:
        sweep.found.chain(chain, Role.READ, Role.WRITE)
    sweep._writes()


_SPECIAL: dict[str, Callable[[Sweep, int], None]] = {
    "INFER_SCHEMA": _infer_schema,
    "TO_FILE": _to_file,
    "GET_OBJECT_REFERENCES": _object_references,
    "RESULT_SCAN": _result,
    "GETNEXTVAL": _next_value,
}
_ALLOWED_SPECIAL = frozenset(("INFER_SCHEMA", "GETNEXTVAL"))


def _only(tokens: Sequence[Token], argument: list[int]) -> Token | None:
    return tokens[argument[0]] if len(argument) == 1 else None
