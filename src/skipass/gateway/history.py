"""The statements of a session as rows, in the shape in which Snowflake gives rows; knows no caller and no storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skipass.gateway.views import when
from skipass.nouns.statement import Statement

MOST_CHARS = 2_000
_COLUMNS = (
    *("STATEMENT_HANDLE", "TOOL", "STATE", "KIND", "STATEMENT", "CREATED_AT", "FINISHED_AT", "ROW_COUNT"),
    *("ERROR_CODE", "ERROR_MESSAGE"),
)


def history_of(statements: Sequence[tuple[Statement, str]], limit: int) -> dict[str, Any]:
    """Return a result body of the newest `limit` statements, newest first; a text over 2,000 characters is cut."""
    newest = sorted(statements, key=lambda one: one[0].id, reverse=True)[:limit]
    rows = [_row(statement, text) for statement, text in newest]
    size_bytes = sum(len(cell or "") for row in rows for cell in row)
    meta = {
        "numRows": len(rows),
        "format": "jsonv2",
        "rowType": [{"name": name, "type": "text", "nullable": True} for name in _COLUMNS],
        "partitionInfo": [{"rowCount": len(rows), "uncompressedSize": size_bytes}],
    }
    return {"resultSetMetaData": meta, "data": rows}


def _row(statement: Statement, text: str) -> list[str | None]:
    rows = statement.result_rows
    return [
        statement.id,
        statement.tool,
        statement.state.value,
        statement.kind.value,
        text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}… ({len(text):,} characters)",
        when(statement.created_at),
        when(statement.finished_at),
        None if rows is None else str(rows),
        statement.error_code,
        statement.error_message,
    ]
