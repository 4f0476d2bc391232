"""CREATE, read word by word; the queries inside it go through the parser.

What is understood can be held for a person; every other object type, clause or option refuses the statement.
Source: https://docs.snowflake.com/en/sql-reference/sql/create
"""

from __future__ import annotations

from itertools import pairwise

from skipass.access.sqlguard.calls import Sweep
from skipass.access.sqlguard.constants import stage
from skipass.access.sqlguard.findings import Findings, Ref, Role
from skipass.access.sqlguard.grammar import Cursor
from skipass.access.sqlguard.lexer import Lex, words
from skipass.access.sqlguard.names import render
from skipass.access.sqlguard.objects import (
    ADMIN_LAST,
    ADMIN_WORDS,
    CODE,
    MODIFIERS,
    OPTIONS,
    SCHEMA_OBJECTS,
    UNDERSTOOD_OBJECTS,
)
from skipass.access.sqlguard.tree import Reading
from skipass.nouns.verdict import StatementKind

CONTAINERS = frozenset(("DATABASE", "SCHEMA"))
OUTSIDE_STORAGE = frozenset(("EXTERNAL", "ICEBERG", "EVENT"))


def object_type(cursor: Cursor) -> str:
    """Step over the words of an object type and return them; nothing when the type is not known."""
    for length in (3, 2, 1):
        words = " ".join(cursor.peek(i).word for i in range(length))
        if words in SCHEMA_OBJECTS or words in CONTAINERS:
            cursor.at += length
            return words
    return ""


def administrative(cursor: Cursor) -> bool:
    """Tell whether the words here begin an account-level object type: `NETWORK RULE`, `… INTEGRATION`, `… POLICY`."""
    words = [cursor.peek(i).word for i in range(4)]
    if words[0] in ADMIN_WORDS:
        return True
    if " ".join(words[:2]) in ADMIN_WORDS:
        return True
    if words[0] in SCHEMA_OBJECTS:
        return False
    return any(word in ADMIN_LAST and all(w.isidentifier() for w in words[: i + 1]) for i, word in enumerate(words))


def admin(cursor: Cursor, piece: str) -> None:
    """Refuse the statement as administration."""
    cursor.found.kind = StatementKind.ADMIN
    cursor.found.refuse(piece, "Administration is never part of a session.")


def read_create(cursor: Cursor) -> None:
    """Read a CREATE statement from after its first word."""
    cursor.found.kind = StatementKind.DDL
    cursor.take("OR", "REPLACE")
    cursor.take("OR", "ALTER")
    modifiers = set()
    while (word := cursor.peek().word) in MODIFIERS and not administrative(cursor):
        modifiers.add(word)
        cursor.at += 1
    if administrative(cursor) or (cursor.peek().word == "DATABASE" and _imported(cursor)):
        return admin(cursor, f"CREATE {cursor.peek().word}")
    kind = object_type(cursor)
    cursor.take("IF", "NOT", "EXISTS")
    if kind in CONTAINERS:
        _create_container(cursor, kind)
    elif not kind:
        _create_instance(cursor)
    else:
        _create_object(cursor, kind, modifiers)
    return None


def _imported(cursor: Cursor) -> bool:
    """Tell whether a CREATE DATABASE takes its content from another account's share or listing."""
    words = [cursor.source.tokens[i].word for i in range(cursor.at, cursor.end)]
    return any(a == "FROM" and b in ("SHARE", "LISTING") for a, b in pairwise(words))


def _create_container(cursor: Cursor, kind: str) -> None:
    container(cursor, kind, Role.WRITE)
    if cursor.take("CLONE"):
        container(cursor, kind, Role.READ)
    cursor.found.refuse(f"CREATE {kind}", "Schemas and databases are not made in a session.")


def container(cursor: Cursor, kind: str, role: Role) -> None:
    """Step over the name of a schema or database and note it."""
    (cursor.database if kind == "DATABASE" else cursor.schema)(role)


def _create_instance(cursor: Cursor) -> None:
    """An instance of a class (`CREATE SNOWFLAKE.ML.FORECAST name(…)`), or nothing that is known."""
    class_name = cursor.chain()
    if class_name is None or len(class_name.parts) < 2:
        return cursor.found.puzzle("CREATE", "This type of object is not known.")
    cursor.found.refuse("CREATE", "Instances of classes are not made in a session.")
    cursor.object(Role.WRITE)
    for i in range(cursor.at, cursor.end - 2):
        words = [cursor.source.tokens[i + k].word for k in range(2)]
        if words == ["TABLE", "("]:
            Cursor(cursor.source, cursor.found, i + 2, cursor.end).object(Role.READ)
    return None


def _create_object(cursor: Cursor, kind: str, modifiers: set[str]) -> None:
    if kind == "STAGE":
        return _create_stage(cursor)
    cursor.object(Role.WRITE)
    if kind in CODE:
        return _create_code(cursor, kind)
    if modifiers & OUTSIDE_STORAGE:
        _mentioned_stages(cursor)
        return cursor.found.refuse(f"CREATE {kind}", "Tables that keep their data elsewhere are not made in a session.")
    if kind not in UNDERSTOOD_OBJECTS:
        _mentioned_stages(cursor)
        return cursor.found.refuse(f"CREATE {kind}", "This type of object is not made in a session.")
    _body(cursor, dynamic="DYNAMIC" in modifiers)
    return None


def _mentioned_stages(cursor: Cursor) -> None:
    for i in range(cursor.at, cursor.end):
        token = cursor.source.tokens[i]
        if token.kind is Lex.STAGE:
            stage(cursor.found, token.text, Role.READ, token.start)


def _create_stage(cursor: Cursor) -> None:
    stage_name(cursor)
    while not cursor.done():
        if not cursor.take_any(frozenset(("COMMENT", "DIRECTORY", "ENCRYPTION"))) or not cursor.take("="):
            return cursor.found.refuse(cursor.peek().text, "Only an internal stage is made in a session.")
        if cursor.text() is None and cursor.brackets() is None:
            return cursor.found.puzzle(cursor.peek().text, "This part of the statement is not understood.")
    return None


def stage_name(cursor: Cursor) -> None:
    """A stage stands without `@` in DDL; it is shown with it."""
    before = len(cursor.found.refs)
    resolved = cursor.object(Role.WRITE)
    if resolved is not None:
        cursor.found.refs[before:] = [Ref("@" + render(resolved), resolved, Role.WRITE, cursor.at)]


def _create_code(cursor: Cursor, kind: str) -> None:
    """Stored code outlives the session, so it is refused; a statement plainly inside it is read for the answer."""
    cursor.found.refuse(f"CREATE {kind}", "Stored code runs after the session has ended.")
    _mentioned_stages(cursor)
    inside = Findings(cursor.found.place)
    for i in range(cursor.at, cursor.end - 1):
        before, word = cursor.source.tokens[i].word, cursor.source.tokens[i + 1].word
        if kind == "TASK" and before == "AS":
            _read_inner(Cursor(cursor.source, inside, i + 1, cursor.end))
            break
        if kind == "ALERT" and before == "(" and word in ("SELECT", "WITH"):
            depth_end = Cursor(cursor.source, inside, i, cursor.end).brackets() or (i + 1, cursor.end)
            Reading(cursor.source, inside, *depth_end).run()
            break
    cursor.found.absorb(inside)


def _read_inner(cursor: Cursor) -> None:
    if cursor.peek().word in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE"):
        Reading(cursor.source, cursor.found, cursor.at, cursor.end).run()


def _body(cursor: Cursor, *, dynamic: bool) -> None:
    """Columns, options, and at last AS query, CLONE or LIKE."""
    if inside := cursor.brackets():
        columns(cursor, *inside)
    while not cursor.done():
        if cursor.take("AS"):
            Reading(cursor.source, cursor.found, cursor.at, cursor.end).run()
            return
        if cursor.take("CLONE") or cursor.take("LIKE") or cursor.take("ON", "TABLE") or cursor.take("ON", "VIEW"):
            cursor.object(Role.READ)
        elif not _option(cursor, dynamic=dynamic):
            cursor.found.puzzle(cursor.peek().text, "This part of the statement is not understood.")
            return


def columns(cursor: Cursor, first: int, end: int) -> None:
    """Column definitions: any words, but every call is looked up, and policies, tags and queries are refused."""
    tokens = cursor.source.tokens
    starts = {tokens[i].start for i in range(first, end) if _may_open_a_list(cursor, i)}
    Sweep(tokens, cursor.found, first, end, frozenset(starts)).run()
    for i in range(first, end):
        word = tokens[i].word
        if word in ("POLICY", "TAG"):
            return admin(cursor, word)
        if word in ("SELECT", "WITH"):
            cursor.found.puzzle(word, "A query inside column definitions is not understood.")
        if word == "REFERENCES":
            Cursor(cursor.source, cursor.found, i + 1, end).object(Role.READ)
    return None


def _may_open_a_list(cursor: Cursor, i: int) -> bool:
    """Types, keys and referenced tables stand before a bracket in column definitions without being calls."""
    tokens = cursor.source.tokens
    word, before = tokens[i].word, tokens[i - 1]
    if word in ("KEY", "UNIQUE", "AUTOINCREMENT", "IDENTITY", "CHECK", "DEFAULT"):
        return True
    if before.word == "REFERENCES" or (before.word == "." and _after_references(cursor, i)):
        return True
    return before.kind in (Lex.WORD, Lex.QUOTED) and word in _COLUMN_TYPES


def _after_references(cursor: Cursor, i: int) -> bool:
    while i >= 2 and cursor.source.tokens[i - 1].word == ".":
        i -= 2
    return cursor.source.tokens[i - 1].word == "REFERENCES"


def _option(cursor: Cursor, *, dynamic: bool) -> bool:
    if cursor.take("COPY", "GRANTS"):
        return True
    if cursor.take("CLUSTER", "BY"):
        inside = cursor.brackets()
        if inside:
            Sweep(cursor.source.tokens, cursor.found, *inside).run()
        return inside is not None
    if cursor.peek(1).word == "=" and cursor.peek().word in (OPTIONS | {"WAREHOUSE"} if dynamic else OPTIONS):
        return setting(cursor)
    if cursor.take("AT") or cursor.take("BEFORE"):
        return cursor.brackets() is not None
    return bool(cursor.take_any(frozenset(("ORDER", "NOORDER")))) or _sequence_option(cursor)


def setting(cursor: Cursor) -> bool:
    """Step over `NAME = value`, noting a warehouse, and tell whether the value is a simple one."""
    name = cursor.peek().word
    cursor.at += 2
    if name == "WAREHOUSE":
        chain = cursor.chain()
        if chain is None or len(chain.parts) != 1 or not chain.parts[0]:
            return False
        cursor.found.warehouses.append(chain.parts[0])
        return True
    simple = cursor.peek().kind in (Lex.WORD, Lex.STRING, Lex.NUMBER, Lex.DOLLAR)
    cursor.at += 1
    return simple


def _sequence_option(cursor: Cursor) -> bool:
    if not cursor.take_any(frozenset(("START", "INCREMENT"))):
        return False
    cursor.take("WITH")
    cursor.take("BY")
    cursor.take("=")
    cursor.take("-")
    number = cursor.peek().kind is Lex.NUMBER
    cursor.at += number
    return number


_COLUMN_TYPES = words("""
    ARRAY BINARY CHAR CHARACTER DEC DECFLOAT DECIMAL FLOAT MAP NCHAR NUMBER NUMERIC NVARCHAR NVARCHAR2 OBJECT STRING
    TEXT TIME TIMESTAMP TIMESTAMP_LTZ TIMESTAMP_NTZ TIMESTAMP_TZ VARBINARY VARCHAR VECTOR DATETIME""")
