"""Divides a text into statements and sends each to the reader of its kind, by its first words. Knows no scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skipass.access.sqlguard import alter, create, files, show
from skipass.access.sqlguard.findings import Findings
from skipass.access.sqlguard.grammar import Cursor
from skipass.access.sqlguard.names import Place
from skipass.access.sqlguard.reader import Source
from skipass.access.sqlguard.tree import Reading
from skipass.nouns.verdict import StatementKind

_QUERY_HEADS = frozenset(("SELECT", "WITH", "VALUES", "("))
_CHANGE_HEADS = frozenset(("INSERT", "UPDATE", "DELETE", "MERGE"))
_EXPLAINED = frozenset(("SELECT", "WITH", "VALUES", "(", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE"))
_TRANSACTION = frozenset(("WORK", "TRANSACTION", "NAME"))


@dataclass(frozen=True, slots=True)
class Span:
    """One statement: its first token and the one after its last."""

    first: int
    end: int


def statements(source: Source) -> list[Span]:
    """Return the statements of a text, in order, empty ones left out; a scripting block is one whatever it holds."""
    words = [t.word for t in source.tokens]
    if _is_block(words):
        return [Span(0, len(words))]
    spans, first = [], 0
    for i, word in enumerate([*words, ";"]):
        if word == ";":
            if i > first:
                spans.append(Span(first, i))
            first = i + 1
    return spans


def stages(source: Source, span: Span) -> list[Span]:
    """Return the parts of a `->>` chain, one for a statement that is none."""
    spans, first = [], span.first
    for i in range(span.first, span.end):
        if source.tokens[i].word == "->>":
            spans.append(Span(first, i))
            first = i + 1
    return [*spans, Span(first, span.end)]


def _is_block(words: list[str]) -> bool:
    if words[:1] == ["DECLARE"]:
        return True
    if words[:1] != ["BEGIN"]:
        return False
    following = words[1] if len(words) > 1 else ";"
    return following != ";" and following not in _TRANSACTION


def read(source: Source, span: Span, place: Place, stage: int = 0) -> Findings:
    """Return what one statement does and names; what is not understood leaves an `unparseable` reason."""
    found = Findings(place)
    if span.first >= span.end:
        found.puzzle("->>", "A stage of the chain is empty.")
        return found
    _dispatch(Cursor(source, found, span.first, span.end, stage))
    _refuse_stray_queries(source, span, found)
    return found


def _refuse_stray_queries(source: Source, span: Span, found: Findings) -> None:
    """Refuse a statement that holds a query in a place where none is read: nothing of it would have been looked at."""
    for i in range(span.first, span.end):
        if source.tokens[i].word == "SELECT" and not any(first <= i < end for first, end in found.parsed):
            found.refuse("SELECT", "A query stands where none is understood.", "unparseable")
            return


def _dispatch(cursor: Cursor) -> None:
    head = cursor.peek().word
    if head in _QUERY_HEADS or head in _CHANGE_HEADS:
        return _query(cursor, head)
    if handler := _HEADS.get(head):
        return handler(cursor)
    return cursor.found.puzzle(cursor.peek().text, "No statement of Snowflake's that is known here begins like this.")


def _query(cursor: Cursor, head: str) -> None:
    if head == "WITH" and cursor.peek(2).word == "AS" and cursor.peek(3).word == "PROCEDURE":
        return _procedural(cursor)
    cursor.found.kind = StatementKind.READ if head in _QUERY_HEADS else StatementKind.WRITE
    return Reading(cursor.source, cursor.found, cursor.at, cursor.end, cursor.stage).run()


def _procedural(cursor: Cursor) -> None:
    cursor.found.kind = StatementKind.PROCEDURAL
    cursor.found.refuse(cursor.peek().word, "What a procedure or block does cannot be known from the text.")


def _session(cursor: Cursor) -> None:
    cursor.found.kind = StatementKind.SESSION
    cursor.found.refuse(cursor.peek().word, "The session's context, variables and transactions are the gateway's.")


def _begin(cursor: Cursor) -> None:
    following = cursor.peek(1).word
    (_session if not following or following in _TRANSACTION else _procedural)(cursor)


def _start(cursor: Cursor) -> None:
    if cursor.peek(1).word == "TRANSACTION":
        return _session(cursor)
    return cursor.found.puzzle("START", "TRANSACTION is expected here.")


def _admin(cursor: Cursor) -> None:
    cursor.found.kind = StatementKind.ADMIN
    cursor.found.refuse(cursor.peek().word, "Administration is never part of a session.")


def _explain(cursor: Cursor) -> None:
    """EXPLAIN compiles and does not run: what would be written is only looked at."""
    cursor.take("EXPLAIN")
    if cursor.take("USING"):
        cursor.take_any(frozenset(("TABULAR", "JSON", "TEXT")))
    unknown = cursor.take("ANALYZE")
    if cursor.peek().word not in _EXPLAINED:
        return cursor.found.puzzle("EXPLAIN", "This statement cannot be explained.")
    inner = read(cursor.source, Span(cursor.at, cursor.end), cursor.found.place)
    cursor.found.absorb(inner)
    cursor.found.only_read()
    cursor.found.kind = StatementKind.READ
    if unknown or inner.kind not in (StatementKind.READ, StatementKind.WRITE, StatementKind.DDL):
        cursor.found.puzzle("EXPLAIN", "This statement cannot be explained.")
    return None


def _after_head(reader: Callable[[Cursor], None]) -> Callable[[Cursor], None]:
    def step(cursor: Cursor) -> None:
        cursor.at += 1
        reader(cursor)

    return step


_HEADS: dict[str, Callable[[Cursor], None]] = {
    "EXPLAIN": _explain,
    "SHOW": _after_head(show.read_show),
    "DESC": _after_head(show.read_describe),
    "DESCRIBE": _after_head(show.read_describe),
    "CREATE": _after_head(create.read_create),
    "ALTER": _after_head(alter.read_alter),
    "DROP": _after_head(alter.read_drop),
    "UNDROP": _after_head(alter.read_drop),
    "COMMENT": _after_head(alter.read_comment),
    "TRUNCATE": _after_head(alter.read_truncate),
    "COPY": _after_head(files.read_copy),
    "BEGIN": _begin,
    "START": _start,
    **dict.fromkeys(("PUT", "GET", "LIST", "LS", "REMOVE", "RM"), files.read_file_command),
    **dict.fromkeys(("GRANT", "REVOKE"), _admin),
    **dict.fromkeys(("USE", "SET", "UNSET", "COMMIT", "ROLLBACK"), _session),
    **dict.fromkeys(("CALL", "EXECUTE", "DECLARE"), _procedural),
}
