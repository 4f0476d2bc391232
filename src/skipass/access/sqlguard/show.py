"""SHOW and DESCRIBE: what they look at. Knows their grammar; how far a session may look is the verdict's business.

Source: https://docs.snowflake.com/en/sql-reference/sql/show and https://docs.snowflake.com/en/sql-reference/sql/desc
"""

from __future__ import annotations

from skipass.access.sqlguard.findings import Ref, Role
from skipass.access.sqlguard.grammar import Cursor
from skipass.access.sqlguard.lexer import Lex
from skipass.nouns.verdict import StatementKind

# What SHOW may list inside a schema or database.
_IN_SCHEMA = frozenset(
    (
        *("TABLES", "VIEWS", "OBJECTS", "COLUMNS", "SEQUENCES", "STREAMS", "STAGES", "FILE FORMATS", "FUNCTIONS"),
        *("USER FUNCTIONS", "PROCEDURES", "USER PROCEDURES", "PIPES", "TASKS", "DYNAMIC TABLES", "EXTERNAL TABLES"),
        *("EVENT TABLES", "HYBRID TABLES", "ICEBERG TABLES", "MATERIALIZED VIEWS", "SEMANTIC VIEWS", "PRIMARY KEYS"),
        *("SEMANTIC METRICS", "SEMANTIC DIMENSIONS", "SEMANTIC FACTS", "IMPORTED KEYS", "EXPORTED KEYS", "UNIQUE KEYS"),
        *("TAGS", "CORTEX SEARCH SERVICES", "MCP SERVERS", "AGENTS"),
    )
)
_KEYS = frozenset(("COLUMNS", "PRIMARY KEYS", "IMPORTED KEYS", "EXPORTED KEYS", "UNIQUE KEYS"))
# What SHOW may list of the account itself, where a session may look that far.
_IN_ACCOUNT = _IN_SCHEMA | frozenset(("DATABASES", "SCHEMAS", "WAREHOUSES", "ROLES", "USERS"))
_SESSION = frozenset(("VARIABLES", "PARAMETERS", "TRANSACTIONS"))
_STOP = frozenset(("HISTORY", "LIKE", "IN", "STARTS", "LIMIT", "ON", "TO", "OF", "FOR", "FROM", ""))
_TABLES = frozenset(("TABLE", "VIEW"))
_DESCRIBED = (
    *(("MATERIALIZED", "VIEW"), ("SEMANTIC", "VIEW"), ("DYNAMIC", "TABLE"), ("EXTERNAL", "TABLE"), ("EVENT", "TABLE")),
    *(("ICEBERG", "TABLE"), ("HYBRID", "TABLE"), ("FILE", "FORMAT"), ("TABLE",), ("VIEW",), ("STREAM",), ("SEQUENCE",)),
    *(("FUNCTION",), ("PROCEDURE",), ("TASK",), ("PIPE",), ("CORTEX", "SEARCH", "SERVICE"), ("MCP", "SERVER")),
)
_CODE = (("FUNCTION",), ("PROCEDURE",))


def read_show(cursor: Cursor) -> None:
    """Read a SHOW statement from after its first word."""
    cursor.found.kind = StatementKind.READ
    cursor.take("TERSE")
    if cursor.take("GRANTS") or cursor.take("FUTURE", "GRANTS"):
        return _grants(cursor)
    kind = _words(cursor)
    cursor.take("HISTORY")
    if cursor.take("LIKE") and cursor.text() is None:
        cursor.found.puzzle("LIKE", "A constant pattern is expected here.")
    if kind in _SESSION:
        return cursor.found.special("<SESSION>", Role.READ, 0, "Session state is not shown.")
    _area(cursor, kind)
    _tail(cursor)
    return None


def _words(cursor: Cursor) -> str:
    words: list[str] = []
    while cursor.peek().kind is Lex.WORD and cursor.peek().word not in _STOP and not cursor.done():
        words.append(cursor.peek().word)
        cursor.at += 1
    return " ".join(words)


def _area(cursor: Cursor, kind: str) -> None:
    refused = kind not in _IN_ACCOUNT
    if refused:
        cursor.found.refuse(f"SHOW {kind}", "This list is not for sessions.")
    if cursor.take("IN"):
        _container(cursor, kind)
    elif kind in _IN_SCHEMA or kind == "SCHEMAS":
        cursor.database(Role.ABOUT) if cursor.found.place.database else _account(cursor)
    else:
        _account(cursor)
    if refused:
        cursor.at = cursor.end


def _account(cursor: Cursor) -> None:
    cursor.found.refs.append(Ref("<ACCOUNT>", (), Role.ABOUT, 0))


def _container(cursor: Cursor, kind: str) -> None:
    if cursor.take("ACCOUNT"):
        _account(cursor)
    elif cursor.take("DATABASE") or kind == "SCHEMAS":
        _named(cursor, cursor.database)
    elif cursor.take("SCHEMA"):
        _named(cursor, cursor.schema)
    elif cursor.take_any(_TABLES) or kind in _KEYS:
        cursor.object(Role.ABOUT)
    else:
        cursor.schema(Role.ABOUT)


def _named(cursor: Cursor, read: object) -> None:
    """Read a container's name; STARTS and LIMIT after a bare DATABASE or SCHEMA belong to SHOW and are no name."""
    optional = (cursor.peek().word, cursor.peek(1).kind)
    if optional[0] == "STARTS" or (optional[0] == "LIMIT" and optional[1] is Lex.NUMBER):
        held, cursor.end = cursor.end, cursor.at
        _call(read)
        cursor.end = held
    else:
        _call(read)


def _call(read: object) -> None:
    assert callable(read)
    read(Role.ABOUT)


def _tail(cursor: Cursor) -> None:
    if cursor.take("STARTS", "WITH") and cursor.text() is None:
        cursor.found.puzzle("STARTS WITH", "A constant is expected here.")
    if cursor.take("LIMIT"):
        cursor.at += cursor.peek().kind is Lex.NUMBER
        if cursor.take("FROM") and cursor.text() is None:
            cursor.found.puzzle("FROM", "A constant is expected here.")
    cursor.finish()


def _grants(cursor: Cursor) -> None:
    """Read what grants are looked at; which role or user it is does not matter, all of them are the account's."""
    if cursor.take("ON"):
        return _granted_on(cursor)
    if cursor.take("TO", "ROLE") or cursor.take("OF", "ROLE") or cursor.take("TO", "USER"):
        return _one_of_account(cursor)
    if cursor.take("IN", "SCHEMA"):
        cursor.schema(Role.ABOUT)
    elif cursor.take("IN", "DATABASE"):
        cursor.database(Role.ABOUT)
    else:
        _account(cursor)
        cursor.at = cursor.end
    cursor.found.refuse("SHOW GRANTS", "Who holds which privileges is not for sessions.")
    return None


def _one_of_account(cursor: Cursor) -> None:
    _account(cursor)
    name = cursor.chain()
    if name is None or len(name.parts) != 1:
        cursor.found.puzzle(cursor.peek().text or "end", "One name is expected here.")
    cursor.finish()


def _granted_on(cursor: Cursor) -> None:
    if cursor.take("ACCOUNT"):
        _account(cursor)
    elif cursor.take("WAREHOUSE"):
        return _one_of_account(cursor)
    elif cursor.take("SCHEMA"):
        cursor.schema(Role.ABOUT)
    elif cursor.take("DATABASE"):
        cursor.database(Role.ABOUT)
    elif cursor.take_any(_TABLES):
        cursor.object(Role.ABOUT)
    else:
        _account(cursor)
        cursor.found.refuse("SHOW GRANTS", "Privileges on this kind of object are not for sessions.")
        cursor.at = cursor.end
    cursor.finish()
    return None


def read_describe(cursor: Cursor) -> None:
    """Read a DESCRIBE statement from after its first word."""
    cursor.found.kind = StatementKind.READ
    if cursor.take("RESULT"):
        cursor.found.special("<RESULT>", Role.READ, 0, "The result of another query is not for sessions.")
    elif cursor.take("SCHEMA"):
        cursor.schema(Role.ABOUT)
        cursor.finish()
    elif cursor.take("DATABASE"):
        cursor.database(Role.ABOUT)
        cursor.finish()
    elif kind := next((words for words in _DESCRIBED if cursor.take(*words)), None):
        _described(cursor, kind)
    else:
        _account(cursor)
        cursor.found.refuse("DESCRIBE", "This kind of object is not described in sessions.")


def _described(cursor: Cursor, kind: tuple[str, ...]) -> None:
    cursor.object(Role.ABOUT)
    if kind in _CODE:
        cursor.brackets()
    if cursor.take("TYPE", "=") and not (cursor.take("COLUMNS") or cursor.take("STAGE")):
        cursor.found.puzzle("TYPE", "COLUMNS or STAGE is expected here.")
    cursor.finish()
