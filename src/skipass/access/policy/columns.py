"""Whether a statement could read a column that must not be read. What cannot be known from its tokens counts as read.

Works on tokens alone and so is never finer than the text: a column's name anywhere, as whoever's column, is a read.
A view is another object than the table below it, and is named in a rule of its own.
Source: https://docs.snowflake.com/en/sql-reference/sql/select (`*`, `$1`), https://docs.snowflake.com/en/sql-reference/constructs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from skipass.access.policy.rules import Column
from skipass.access.sqlguard.lexer import Lex, LexFault, Token, lex
from skipass.access.sqlguard.names import RESERVED, fold
from skipass.nouns.verdict import StatementKind

# Each of these reads columns that the text does not name.
_UNNAMED = frozenset(("NATURAL", "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE", "IDENTIFIER"))
_STAR_OPTIONS = frozenset(("FROM", "EXCLUDE", "ILIKE", "RENAME", "REPLACE", "INTO", ",", ")", ";", "UNION", "LIMIT"))
_COUNTED = ("COUNT", "(", "*", ")")


def unreadable(text: str, kind: StatementKind, columns: Iterable[Column]) -> str | None:
    """Return why `text`, which reads the tables of these columns, is denied; None when it reads none of the columns."""
    if kind is StatementKind.DDL:
        return "it makes an object out of a table that has columns which may not be read"
    try:
        tokens = lex(text).tokens
    except LexFault:
        return "its columns cannot be known"
    names = {column.name.upper(): column for column in columns}
    for token in tokens:
        if token.kind in (Lex.WORD, Lex.QUOTED) and (column := names.get(fold(token).upper())):
            return f"it names the column {column}"
    return _unknown(tokens)


def _unknown(tokens: Sequence[Token]) -> str | None:
    for token in tokens:
        if token.kind is Lex.VARIABLE or token.word in _UNNAMED:
            return f"{token.text} reads columns that the text does not name"
    if any((one.word, two.word) == ("BY", "NAME") for one, two in pairwise(tokens)):
        return "BY NAME reads columns that the text does not name"
    if any(_every_column(tokens, at) for at, token in enumerate(tokens) if token.word == "*"):
        return "* reads every column"
    return None


def _every_column(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether the `*` at this token may stand for columns: neither a product nor the one of COUNT(*)."""
    if at >= 2 and tuple(token.word for token in tokens[at - 2 : at + 2]) == _COUNTED:
        return False
    if at == 0 or at + 1 == len(tokens):
        return True
    before, after = tokens[at - 1], tokens[at + 1]
    if at >= 2 and tokens[at - 2].word == "TOP":
        return True
    return not _operand(before) or after.word in _STAR_OPTIONS


def _operand(token: Token) -> bool:
    if token.kind is Lex.WORD:
        return token.word not in RESERVED
    return token.kind in (Lex.QUOTED, Lex.NUMBER, Lex.STRING) or token.word in (")", "]", "?")
