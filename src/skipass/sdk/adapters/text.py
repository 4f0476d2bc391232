"""A tool's answer as JSON text for a context window: bounded, and honest about what was cut.

JSON keeps a cell from passing for anything else: whatever it holds stands between quotes, escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from skipass.sdk.answer import ToolAnswer

MAX_CHARS = 16_000
MAX_CELL_CHARS = 500
_LEFT_OUT = ("retryable", "data", "execution_id")


def text_of(answer: ToolAnswer) -> str:
    """Return the status, what to do next, and the rows that fit."""
    said = {name: value for name, value in answer.envelope.items() if value is not None and name not in _LEFT_OUT}
    body = answer.envelope.get("data")
    if isinstance(body, dict):
        said |= _table(answer, body) if isinstance(body.get("data"), list) else {"data": body}
    text = orjson.dumps(said, default=str).decode()
    return text if len(text) <= 2 * MAX_CHARS else _cut(answer, text)


def _table(answer: ToolAnswer, body: dict[str, Any]) -> dict[str, Any]:
    meta = body.get("resultSetMetaData") or {}
    shown = _fitting(body["data"])
    table: dict[str, Any] = {"columns": [column.get("name") for column in meta.get("rowType") or ()], "rows": shown}
    delivered, partitions = len(body["data"]), len(meta.get("partitionInfo") or ())
    if len(shown) < delivered:
        table["cut"] = f"The first {len(shown)} of {delivered} rows. Ask for fewer with LIMIT, or aggregate."
    current = answer.envelope.get("partition") or 0
    if current + 1 < partitions:
        table["more"] = f"Partition {current} of {partitions}: snowflake_get_query_partition, partition {current + 1}."
    return table


def _fitting(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    fitting: list[list[Any]] = []
    size = 0
    for row in rows:
        cells = [_cell(cell) for cell in row]
        size += len(orjson.dumps(cells, default=str))
        if size > MAX_CHARS:
            break
        fitting.append(cells)
    return fitting


def _cell(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= MAX_CELL_CHARS:
        return value
    return f"{value[:MAX_CELL_CHARS]}… ({len(value)} characters)"


def _cut(answer: ToolAnswer, text: str) -> str:
    said = {
        "status": answer.status,
        "cut": f"The first {MAX_CHARS} characters of the answer.",
        "text": text[:MAX_CHARS],
    }
    return orjson.dumps(said).decode()
