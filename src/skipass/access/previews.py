"""What can be said of a statement before a person decides on it: how many rows it would touch, and how to take it back.

Pure: token positions in, texts out. The texts made here are statements like any other and pass the guard again; this
room must not know who runs them. Where there is no honest text there is a reason instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from skipass.access.sqlguard.lexer import Lex, LexFault, Token, lex

HANDLE = "<query id>"
_LATER = "It takes back later changes of the table as well, and works while the table's Time Travel reaches that far."


@dataclass(frozen=True, slots=True)
class Sketch:
    """A text to run, with the bindings it needs, or None and why there is none."""

    text: str | None
    why: str = ""
    bindings: Mapping[str, Any] = field(default_factory=dict)


class _Sketched(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def affected(text: str, bindings: Mapping[str, Any]) -> Sketch:
    """Return a SELECT that counts the rows which a statement would change, in its one column AFFECTED."""
    try:
        tokens = _tokens(text)
        kept = _counted(text, tokens)
        return Sketch(kept[0], "", _kept_bindings(tokens, kept[1], bindings))
    except _Sketched as none:
        return Sketch(None, none.why)


def undo(text: str, writes: Sequence[str], handle: str | None) -> Sketch:
    """Return the SQL that takes a finished statement back by Time Travel; `handle` is its query id once it ran.

    Source: https://docs.snowflake.com/en/user-guide/data-time-travel
    """
    try:
        tokens = _tokens(text)
    except _Sketched as none:
        return Sketch(None, none.why)
    first, second = tokens[0].word, tokens[1].word if len(tokens) > 1 else ""
    if first in ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE") and writes:
        before = f"BEFORE (STATEMENT => '{handle or HANDLE}')"
        return Sketch("\n".join(f"INSERT OVERWRITE INTO {t} SELECT * FROM {t} {before};" for t in writes), _LATER)
    if first == "DROP" and second in ("TABLE", "SCHEMA", "DATABASE") and writes:
        return Sketch("\n".join(f"UNDROP {second} {name};" for name in writes), "Only while its Time Travel lasts.")
    return Sketch(None, "Time Travel takes back changed rows and dropped tables; this is neither.")


def _tokens(text: str) -> Sequence[Token]:
    try:
        tokens = lex(text).tokens
    except LexFault:
        raise _Sketched("The text cannot be divided into words.") from None
    while tokens and tokens[-1].word == ";":
        tokens = tokens[:-1]
    if not tokens:
        raise _Sketched("There is no statement.")
    return tokens


def _counted(text: str, tokens: Sequence[Token]) -> tuple[str, int]:
    """Return the counting text and the position from which the statement's own text was kept."""
    first = tokens[0].word
    if first in ("UPDATE", "DELETE"):
        return _changed(text, tokens)
    if first == "INSERT":
        return _inserted(text, tokens)
    if first in ("TRUNCATE", "DROP"):
        return _emptied(text, tokens)
    if first in ("MERGE", "COPY"):
        raise _Sketched(f"How many rows a {first} touches shows only when it runs.")
    raise _Sketched("The statement changes no rows that could be counted beforehand.")


def _changed(text: str, tokens: Sequence[Token]) -> tuple[str, int]:
    tops = _top(tokens)
    begin = 1 if tokens[0].word == "UPDATE" else 2
    if "USING" in tops or ("SET" in tops and any(at > tops["SET"] for at in _all(tokens, "FROM"))):
        raise _Sketched("The statement joins other tables; which rows match shows only when it runs.")
    where = tops.get("WHERE")
    ends = min(tops.get("SET", len(tokens)), where if where is not None else len(tokens))
    if not begin < ends:
        raise _Sketched("The statement's target could not be found.")
    target = text[tokens[begin].start : tokens[ends - 1].end]
    condition = f" {text[tokens[where].start : tokens[-1].end]}" if where is not None else ""
    return f"SELECT COUNT(*) AS AFFECTED FROM {target}{condition}", tokens[where].start if where is not None else len(
        text
    )


def _inserted(text: str, tokens: Sequence[Token]) -> tuple[str, int]:
    tops = _top(tokens)
    if "VALUES" in tops or "FIRST" in tops or "ALL" in tops:
        raise _Sketched("The rows stand in the text itself.")
    starts = [tops[word] for word in ("SELECT", "WITH") if word in tops]
    if not starts:
        raise _Sketched("The statement's query could not be found.")
    start = tokens[min(starts)].start
    return f"SELECT COUNT(*) AS AFFECTED FROM ({text[start : tokens[-1].end]})", start


def _emptied(text: str, tokens: Sequence[Token]) -> tuple[str, int]:
    rest = [token for token in tokens[1:] if token.word not in ("IF", "EXISTS", "CASCADE", "RESTRICT")]
    if rest and rest[0].word == "TABLE":
        rest = rest[1:]
    elif tokens[0].word == "DROP":
        raise _Sketched("What it drops holds no rows of its own.")
    if not rest:
        raise _Sketched("The statement's target could not be found.")
    return f"SELECT COUNT(*) AS AFFECTED FROM {text[rest[0].start : rest[-1].end]}", len(text)


def _top(tokens: Sequence[Token]) -> dict[str, int]:
    """Return where each word first stands outside every bracket."""
    found: dict[str, int] = {}
    for at in _outside(tokens):
        found.setdefault(tokens[at].word, at)
    return found


def _all(tokens: Sequence[Token], word: str) -> list[int]:
    return [at for at in _outside(tokens) if tokens[at].word == word]


def _outside(tokens: Sequence[Token]) -> list[int]:
    depth, found = 0, []
    for at, token in enumerate(tokens):
        depth += (token.word in ("(", "[", "{")) - (token.word in (")", "]", "}"))
        if depth == 0 and token.word:
            found.append(at)
    return found


def _kept_bindings(tokens: Sequence[Token], start: int, bindings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bindings of the placeholders from `start` on; `?` are numbered anew, `:1` keep their numbers."""
    marks = [token.start for token in tokens if token.word == "?"]
    numbered = any(a.word == ":" and b.kind is Lex.NUMBER for a, b in pairwise(tokens))
    if marks and numbered:
        raise _Sketched("The statement mixes two kinds of placeholders.")
    if not marks:
        return dict(bindings)
    before = sum(mark < start for mark in marks)
    return {str(int(name) - before): value for name, value in bindings.items() if name.isdigit() and int(name) > before}
