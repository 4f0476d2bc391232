"""A tool's answer as JSON text for a context window: bounded, and honest about what was cut.

JSON keeps a cell from passing for anything else: whatever it holds stands between quotes, escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from skipass.sdk.answer import ToolAnswer
from skipass.snowflake.sqlapi.readable import readable_rows
from skipass.visible import visible

MAX_CHARS = 16_000
MAX_CELL_CHARS = 500
_WRITTEN = "\n\t\r"  # JSON itself writes these as escapes
# Of `text` the rows are here already; what counts partitions is said in words.
_LEFT_OUT = ("retryable", "data", "execution_id", "text", "format", "from_row", "partitions")


def text_of(answer: ToolAnswer) -> str:
    """Return the status, what to do next, and the rows that fit."""
    said = {name: value for name, value in answer.envelope.items() if value is not None and name not in _LEFT_OUT}
    body = answer.envelope.get("data")
    if isinstance(body, dict):
        said |= _table(answer, body) if isinstance(body.get("data"), list) else {"data": body}
    text = orjson.dumps(_shown(said), default=str).decode()
    return text if len(text) <= 2 * MAX_CHARS else _cut(answer, text)


def _table(answer: ToolAnswer, body: dict[str, Any]) -> dict[str, Any]:
    """Return the rows that fit, from the one that was asked for, and the very call that brings what comes next."""
    meta = body.get("resultSetMetaData") or {}
    columns, rows = meta.get("rowType") or (), body["data"]
    start, current = answer.envelope.get("from_row") or 0, answer.envelope.get("partition") or 0
    shown = _fitting(readable_rows(columns, rows[start:]))
    table: dict[str, Any] = {"columns": [column.get("name") for column in columns], "rows": shown}
    if not columns:
        table["note"] = "The columns are those of partition 0; here dates are days and times seconds, from 1970 on."
    end = start + len(shown)
    partitions = answer.envelope.get("partitions") or len(meta.get("partitionInfo") or ())
    if end < len(rows):
        which = f"Rows {start + 1} to {end} of {len(rows)} delivered."
        better = "Better, for that counts as delivered again: ask for fewer, or aggregate."
        table["cut"] = f"{which} {_call(answer, partition=current, from_row=end)} {better}"
    elif current + 1 < partitions:
        table["more"] = f"This is partition {current} of {partitions}. {_call(answer, partition=current + 1)}"
    return table


def _call(answer: ToolAnswer, **more: int) -> str:
    arguments = {"statement_handle": answer.envelope.get("statementHandle"), **more}
    return f"Next: snowflake_get_query_partition {orjson.dumps(arguments).decode()}."


def _fitting(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    fitting: list[list[Any]] = []
    size = 0
    for row in rows:
        cells = [_cell(cell) for cell in row]
        size += len(orjson.dumps(cells, default=str))
        if size > MAX_CHARS and fitting:
            break
        fitting.append(cells)
    return fitting


def _cell(value: Any) -> Any:
    return visible(value, MAX_CELL_CHARS, keep=_WRITTEN) if isinstance(value, str) else value


def _shown(value: Any) -> Any:
    """Return a JSON value in whose texts and names nothing is hidden: rows and errors are written by strangers."""
    if isinstance(value, str):
        return visible(value, MAX_CHARS, keep=_WRITTEN)
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {_shown(name): _shown(one) for name, one in value.items()}
    return value


def _cut(answer: ToolAnswer, text: str) -> str:
    said = {
        "status": answer.status,
        "cut": f"The first {MAX_CHARS} characters of the answer.",
        "text": text[:MAX_CHARS],
    }
    return orjson.dumps(said).decode()
