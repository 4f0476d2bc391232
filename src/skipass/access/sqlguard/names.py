"""Names: folding, quoting, resolving. Knows Snowflake's rules for identifiers, nothing of statements or scopes.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax and
https://docs.snowflake.com/en/sql-reference/name-resolution
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from skipass.access.sqlguard.lexer import Lex, Token, ascii_upper, words

_REGULAR = re.compile(r"[A-Z_][A-Z0-9_$]*")
_PART = re.compile(r'\s*(?:([A-Za-z_][A-Za-z0-9_$]*)|"((?:[^"]|"")+)")\s*')
# A name made of one of these words has to be quoted wherever it is written.
# Source: https://docs.snowflake.com/en/sql-reference/reserved-keywords
RESERVED = words("""
    ACCOUNT ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONNECTION CONSTRAINT CREATE CROSS CURRENT
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING
    FOR FROM FULL GRANT GROUP GSCLUSTER HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS ISSUE JOIN LATERAL
    LEFT LIKE LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER ORGANIZATION QUALIFY REGEXP REVOKE RIGHT
    RLIKE ROW ROWS SAMPLE SCHEMA SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE
    UPDATE USING VALUES VIEW WHEN WHENEVER WHERE WITH""")


@dataclass(frozen=True, slots=True)
class Chain:
    """A dotted name in the text: its parts as Snowflake folds them (None for the empty part of `db..t`)."""

    first: int
    last: int
    start: int
    parts: tuple[str | None, ...]
    second_dot: int | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """A text to put at a position of the original statement; nothing is ever taken away."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """The current database and schema that unqualified names resolve to; None where there is none."""

    database: str | None
    schema: str | None


def fold(token: Token) -> str:
    """Return the name that an identifier token stands for: exact inside quotes, ASCII upper case otherwise."""
    return token.text[1:-1].replace('""', '"') if token.kind is Lex.QUOTED else token.word


def render(parts: Sequence[str]) -> str:
    """Return `DB.SCHEMA.NAME`, a part in double quotes only when it is not a regular upper-case name."""
    return ".".join(p if _REGULAR.fullmatch(p) else quoted(p) for p in parts)


def quoted(part: str) -> str:
    """Return one part in double quotes."""
    return '"' + part.replace('"', '""') + '"'


def spelled(part: str) -> str:
    """Return one part as it has to be written in SQL: quoted when irregular or a reserved word."""
    return part if _REGULAR.fullmatch(part) and part not in RESERVED else quoted(part)


def parse_name(text: str) -> tuple[str | None, ...] | None:
    """Return the folded parts of a dotted name given as plain text, or None when it is not one."""
    parts: list[str | None] = []
    position = 0
    while True:
        if match := _PART.match(text, position):
            parts.append(ascii_upper(match[1]) if match[1] else match[2].replace('""', '"'))
            position = match.end()
        elif len(parts) == 1 and text.startswith(".", position):
            parts.append(None)
        else:
            return None
        if position == len(text):
            return tuple(parts)
        if text[position] != ".":
            return None
        position += 1


def resolve(parts: Sequence[str | None], place: Place) -> tuple[str, str, str] | None:
    """Return database, schema and name of an object, or None when the text and the place do not determine them."""
    if any(p == "" for p in parts) or not parts or parts[-1] is None:
        return None
    if len(parts) == 3 and parts[0] is not None:
        return parts[0], parts[1] or "PUBLIC", parts[2] or ""
    database, schema = place.database, place.schema
    if database is None or len(parts) > 2:
        return None
    if len(parts) == 2:
        return (database, parts[0], parts[1] or "") if parts[0] else None
    return (database, schema, parts[0] or "") if schema is not None else None


def missing(count: int, place: Place, *, whole: int = 3) -> str:
    """Return what has to stand before a name of `count` parts to make it `whole`: `DB.SCHEMA.`, `DB.` or nothing."""
    containers = [p for p in (place.database, place.schema) if p is not None][: max(0, whole - count)]
    return "".join(spelled(p) + "." for p in containers)


def chain_from(tokens: Sequence[Token], first: int, end: int) -> Chain | None:
    """Return the dotted name of the tokens before `end` that begins at token `first`, or None when none does."""
    if first >= end or tokens[first].kind not in (Lex.WORD, Lex.QUOTED):
        return None
    parts: list[str | None] = [fold(tokens[first])]
    last, gap = first, None
    while last + 2 < end and tokens[last + 1].word == ".":
        following = tokens[last + 2]
        if following.word == "." and len(parts) == 1:
            parts.append(None)
            gap, last = following.start, last + 1
        elif following.kind in (Lex.WORD, Lex.QUOTED):
            parts.append(fold(following))
            last += 2
        else:
            break
    names = (tokens[i] for i in range(first, last + 1) if tokens[i].kind is Lex.WORD)
    foreign = any(not t.text.isascii() for t in names)
    return Chain(first, last, tokens[first].start, tuple(parts), gap, foreign)


def chain_ending(tokens: Sequence[Token], last: int, end: int) -> Chain | None:
    """Return the dotted name whose last part is token `last`, of the tokens before `end`."""
    first = last
    while first >= 2 and tokens[first - 1].word == ".":
        before = tokens[first - 2]
        if before.kind in (Lex.WORD, Lex.QUOTED):
            first -= 2
        elif before.word == "." and first >= 3 and tokens[first - 3].kind in (Lex.WORD, Lex.QUOTED):
            first -= 3
        else:
            return None
    chain = chain_from(tokens, first, end)
    return chain if chain is not None and chain.last == last else None
