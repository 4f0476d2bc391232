"""File statements: COPY, PUT, GET, LIST, REMOVE. Only a load from a named stage into a table is ever more than refused.

Source: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table and …/copy-into-location
"""

from __future__ import annotations

from skipass.access.sqlguard.constants import stage
from skipass.access.sqlguard.findings import Ref, Role
from skipass.access.sqlguard.grammar import Cursor
from skipass.access.sqlguard.lexer import Lex, words
from skipass.access.sqlguard.tree import Reading
from skipass.nouns.verdict import StatementKind

_LOAD_OPTIONS = words("""
    FILES PATTERN FILE_FORMAT ON_ERROR SIZE_LIMIT PURGE RETURN_FAILED_ONLY MATCH_BY_COLUMN_NAME ENFORCE_LENGTH
    TRUNCATECOLUMNS FORCE LOAD_UNCERTAIN_FILES LOAD_MODE FORMAT_NAME TYPE VALIDATION_MODE""")


def read_copy(cursor: Cursor) -> None:
    """Read a COPY statement from after its first word."""
    cursor.found.kind = StatementKind.UNLOAD
    if cursor.take("FILES", "INTO"):
        _location(cursor, Role.WRITE)
        if cursor.take("FROM"):
            _location(cursor, Role.READ)
        cursor.found.refuse("COPY FILES", "File commands are not part of a session.")
    elif not cursor.take("INTO"):
        cursor.found.puzzle("COPY", "INTO is expected here.")
    elif cursor.peek().kind in (Lex.STAGE, Lex.STRING):
        _unload(cursor)
    else:
        _load(cursor)


def _location(cursor: Cursor, role: Role) -> None:
    token = cursor.peek()
    cursor.at += 1
    text = token.text.strip("'")
    if text.startswith("@"):
        stage(cursor.found, text, role, token.start, inside=int(token.kind is Lex.STRING))
    elif token.kind in (Lex.STRING, Lex.URL) and "://" in text:
        cursor.found.special(text, role, token.start, "The location lies outside Snowflake.")
    else:
        cursor.found.puzzle(token.text or "end", "A stage or location is expected here.")


def _unload(cursor: Cursor) -> None:
    _location(cursor, Role.WRITE)
    if cursor.take("FROM"):
        if inside := cursor.brackets():
            Reading(cursor.source, cursor.found, *inside).run()
        else:
            cursor.object(Role.READ)
    cursor.found.refuse("COPY INTO", "Data does not leave Snowflake through a session.")


def _load(cursor: Cursor) -> None:
    cursor.object(Role.WRITE)
    cursor.brackets()
    if not cursor.take("FROM") or cursor.peek().word == "(":
        return cursor.found.refuse("COPY INTO", "Only a load from a named stage is understood.", "unparseable")
    _location(cursor, Role.READ)
    cursor.found.load = True
    _options(cursor)
    return None


def _options(cursor: Cursor) -> None:
    while not cursor.done():
        option = cursor.take_any(_LOAD_OPTIONS)
        if not option or not cursor.take("="):
            return cursor.found.refuse(
                cursor.peek().text or "end", "This load option is not understood.", "unparseable"
            )
        if inside := cursor.brackets():
            _format(cursor, inside)
        else:
            cursor.at += 1
    return None


def _format(cursor: Cursor, inside: tuple[int, int]) -> None:
    nested = Cursor(cursor.source, cursor.found, *inside)
    while not nested.done():
        if nested.take("FORMAT_NAME", "="):
            if nested.peek().kind is Lex.STRING:
                nested.found.refuse("FORMAT_NAME", "Name the file format without quotes.", "unparseable")
                nested.at += 1
            else:
                nested.object(Role.READ)
        else:
            nested.at += 1


def read_file_command(cursor: Cursor) -> None:
    """Read PUT, GET, LIST or REMOVE, from its first word on: all are refused, and said what they touch."""
    word = cursor.peek().word
    cursor.found.kind = StatementKind.UNLOAD
    role = Role.READ if word in ("GET", "LIST", "LS") else Role.WRITE
    for i in range(cursor.at, cursor.end):
        token = cursor.source.tokens[i]
        if token.kind is Lex.STAGE:
            stage(cursor.found, token.text, role, token.start)
    if not cursor.found.refs:
        cursor.found.refs.append(Ref("<DYNAMIC>", (), role, 0))
    cursor.found.refuse(word, "File commands are not part of a session.")
