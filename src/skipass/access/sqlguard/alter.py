"""ALTER, DROP, UNDROP, COMMENT and TRUNCATE, read word by word.

What is understood can be held for a person; every other object type or clause refuses the statement.
Source: https://docs.snowflake.com/en/sql-reference/sql/alter and …/drop, …/comment
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.access.sqlguard.calls import Sweep
from skipass.access.sqlguard.create import (
    CONTAINERS,
    OUTSIDE_STORAGE,
    admin,
    administrative,
    columns,
    container,
    object_type,
    setting,
    stage_name,
)
from skipass.access.sqlguard.findings import Role
from skipass.access.sqlguard.grammar import Cursor
from skipass.access.sqlguard.objects import CODE, MODIFIERS, OPTIONS
from skipass.nouns.verdict import StatementKind


def read_alter(cursor: Cursor) -> None:
    """Read an ALTER statement from after its first word."""
    if cursor.take("SESSION"):
        cursor.found.kind = StatementKind.SESSION
        return cursor.found.refuse("ALTER SESSION", "The session's settings are the gateway's.")
    cursor.found.kind = StatementKind.DDL
    words = {cursor.source.tokens[i].word for i in range(cursor.at, cursor.end)}
    if words & {"POLICY", "TAG", "POLICIES"} or administrative(cursor):
        return admin(cursor, f"ALTER {cursor.peek().word}")
    modifiers = set()
    while cursor.peek().word in MODIFIERS:
        modifiers.add(cursor.peek().word)
        cursor.at += 1
    kind = object_type(cursor)
    cursor.take("IF", "EXISTS")
    _altered(cursor, kind, modifiers)
    return None


def _altered(cursor: Cursor, kind: str, modifiers: set[str]) -> None:
    if kind in CONTAINERS:
        container(cursor, kind, Role.WRITE)
        return cursor.found.refuse(f"ALTER {kind}", "The container itself is not part of a session.")
    if not kind:
        return cursor.found.puzzle("ALTER", "This type of object is not known.")
    if kind == "STAGE":
        stage_name(cursor)
        return cursor.found.refuse("ALTER STAGE", "Where a stage keeps its files is not changed in a session.")
    cursor.object(Role.WRITE)
    if kind in CODE or modifiers & OUTSIDE_STORAGE:
        return cursor.found.refuse(f"ALTER {kind}", "Stored code and outside storage are not changed in a session.")
    action = _ALTERATIONS.get(kind)
    if action is None or not action(cursor):
        cursor.found.refuse(cursor.peek().text or kind, "This change is not understood.", "unparseable")
    return None


def _alter_table(cursor: Cursor) -> bool:
    if cursor.take("RENAME", "TO") or cursor.take("SWAP", "WITH"):
        return cursor.object(Role.WRITE) is not None and cursor.done()
    if cursor.take("RENAME", "COLUMN"):
        return cursor.chain() is not None and cursor.take("TO") and cursor.chain() is not None and cursor.done()
    if cursor.take("CLUSTER", "BY"):
        inside = cursor.brackets()
        if inside:
            Sweep(cursor.source.tokens, cursor.found, *inside).run()
        return inside is not None and cursor.done()
    if (
        cursor.take("DROP", "CLUSTERING", "KEY")
        or cursor.take("SUSPEND")
        or cursor.take("RESUME")
        or cursor.take("REFRESH")
    ):
        return cursor.done()
    if cursor.take("SET") or cursor.take("UNSET"):
        return _settings(cursor)
    if cursor.take_any(frozenset(("ADD", "DROP", "ALTER", "MODIFY"))):
        columns(cursor, cursor.at, cursor.end)
        return True
    return False


def _settings(cursor: Cursor) -> bool:
    if cursor.peek().word in OPTIONS and cursor.peek(1).word != "=":
        cursor.at += 1
        return cursor.done()
    while not cursor.done():
        if cursor.peek().word not in OPTIONS or cursor.peek(1).word != "=" or not setting(cursor):
            return False
        cursor.take(",")
    return True


_ALTERATIONS: dict[str, Callable[[Cursor], bool]] = {
    "TABLE": _alter_table,
    "VIEW": _alter_table,
    "SEQUENCE": _alter_table,
}


def read_drop(cursor: Cursor) -> None:
    """Read a DROP or UNDROP statement from after its first word."""
    cursor.found.kind = StatementKind.DDL
    while cursor.peek().word in MODIFIERS:
        cursor.at += 1
    if administrative(cursor):
        return admin(cursor, f"DROP {cursor.peek().word}")
    kind = object_type(cursor)
    cursor.take("IF", "EXISTS")
    if kind in CONTAINERS:
        container(cursor, kind, Role.WRITE)
        return cursor.found.refuse(f"DROP {kind}", "The container itself is not part of a session.")
    if not kind:
        return cursor.found.puzzle("DROP", "This type of object is not known.")
    stage_name(cursor) if kind == "STAGE" else cursor.object(Role.WRITE)
    if kind in ("FUNCTION", "PROCEDURE"):
        cursor.brackets()
    cursor.take_any(frozenset(("CASCADE", "RESTRICT")))
    cursor.finish()
    return None


def read_comment(cursor: Cursor) -> None:
    """Read a COMMENT statement from after its first word."""
    cursor.found.kind = StatementKind.DDL
    cursor.take("IF", "EXISTS")
    if not cursor.take("ON"):
        return cursor.found.puzzle("COMMENT", "ON is expected here.")
    while cursor.peek().word in MODIFIERS:
        cursor.at += 1
    if cursor.take("COLUMN"):
        _column_comment(cursor)
    else:
        _commented(cursor)
    if not cursor.take("IS") or cursor.text() is None:
        cursor.found.refuse("COMMENT", "IS and a constant are expected here.", "unparseable")
    cursor.finish()
    return None


def _commented(cursor: Cursor) -> None:
    if administrative(cursor):
        admin(cursor, "COMMENT")
        cursor.at = cursor.end
        return
    kind = object_type(cursor)
    if kind in CONTAINERS:
        container(cursor, kind, Role.WRITE)
        cursor.found.refuse(f"COMMENT ON {kind}", "The container itself is not part of a session.")
    elif kind and kind != "STAGE":
        cursor.object(Role.WRITE)
    else:
        cursor.found.puzzle("COMMENT", "This type of object is not known.")


def _column_comment(cursor: Cursor) -> None:
    chain = cursor.chain()
    if chain is None or len(chain.parts) < 2 or None in chain.parts:
        return cursor.found.puzzle("COLUMN", "TABLE.COLUMN is expected here.")
    cursor.found.name(chain.parts[:-1], (Role.WRITE,), chain.start, foreign=chain.foreign)
    cursor.found.qualify(chain, whole=4)
    return None


def read_truncate(cursor: Cursor) -> None:
    """Read a TRUNCATE statement from after its first word."""
    cursor.found.kind = StatementKind.WRITE
    cursor.take("MATERIALIZED", "VIEW") or cursor.take("TABLE")
    cursor.take("IF", "EXISTS")
    cursor.object(Role.WRITE)
    cursor.finish()
