"""What the SQL API's answers mean, as pure values.

No I/O. Where Snowflake's documentation contradicts itself or is silent, an answer is read by its shape: any 202 is
running, a partition may be an object or a bare array, any 200 to a cancel is a success.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import orjson

from skipass.snowflake.errors import IncompleteResultError, ProtocolError, StatementNotFound
from skipass.snowflake.sqlapi.failures import Answer, failure, failure_in_success, json_body, retry_after_s
from skipass.snowflake.sqlapi.values import Cell, Column
from skipass.snowflake.sqlapi.wire import HANDLE, Call

_DATA = b'"data":['
_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """Snowflake accepted the statement and has not finished it. `retry_after_s` is the pause it asked for, if any."""

    statement_handle: str
    body: Mapping[str, Any]
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """Rows and uncompressed bytes of one partition, as announced."""

    row_count: int
    uncompressed_bytes: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished statement: metadata and the rows of partition 0, still text.

    `body` is Snowflake's own object. `partitions` may be empty, which means one partition. `num_rows` counts all
    partitions, None where Snowflake did not say. `statement_handles` lists the parts of a multi-statement request.
    `stats` are the row counts of a change. `statement_handle` is empty only if Snowflake left it out. A lean one has
    the rows of partition 0 in `data`, as JSON, and neither `rows` nor a `body`.
    """

    statement_handle: str
    body: Mapping[str, Any]
    columns: tuple[Column, ...] = ()
    rows: list[list[Cell]] = field(default_factory=list)
    partitions: tuple[PartitionInfo, ...] = ()
    num_rows: int | None = None
    stats: Mapping[str, int] = field(default_factory=dict)
    statement_handles: tuple[str, ...] = ()
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows of one partition after the first, still text; types and names are those of the first answer."""

    index: int
    rows: list[list[Cell]]
    body_bytes: int


class CancelOutcome(StrEnum):
    """What a cancel found: Snowflake confirmed it, or there was nothing left to cancel."""

    CANCELLED = "cancelled"
    NOTHING_TO_CANCEL = "nothing_to_cancel"


def read_statement(call: Call, answer: Answer, *, lean: bool = False) -> Running | Finished:
    """Return what a submit's or a poll's answer says of the statement, or raise what it reports.

    With `lean` the rows stay JSON text: a reader that does not need them as Python objects saves most of the memory.
    """
    if not lean or answer.status != 200:
        return _read_statement(call, answer)
    head, data = without_data(answer.body)
    read = _read_statement(call, replace(answer, body=head), has_rows=not data)
    if isinstance(read, Running):
        return read
    return replace(read, rows=[], body={}, data=data or orjson.dumps(read.rows))


def without_data(body: bytes) -> tuple[bytes, bytes]:
    """Return a result's JSON with its rows taken out, and the rows; both whole again where that is not certain.

    Certain means: what is left is JSON on its own, holds the metadata, and has nothing in place of the rows.
    """
    start = body.find(_DATA) + len(_DATA) - 1
    end = body.rfind(b"]]") + 2
    if not len(_DATA) <= start < end:
        return body, b""
    head = body[:start] + b"[]" + body[end:]
    left = json_body(Answer(200, head))
    if left is None or left.get("data") != [] or not isinstance(left.get("resultSetMetaData"), dict):
        return body, b""
    # Wrapped like any other partition, so that it is copied only this once.
    return head, b"".join((b'{"data":', memoryview(body)[start:end], b"}"))


def _read_statement(call: Call, answer: Answer, *, has_rows: bool = True) -> Running | Finished:
    body = json_body(answer)
    if _is_running(answer.status, body):
        return _running(call, answer, body or {})
    if answer.status != 200:
        raise failure(call, answer)
    if body is None:
        raise ProtocolError("The answer is not a JSON object.", http_status=200, request_id=call.request_id)
    if problem := failure_in_success(call, answer, body):
        raise problem
    return _finished(call, body, has_rows)


def _is_running(status: int, body: Mapping[str, Any] | None) -> bool:
    in_progress = str((body or {}).get("code", "")).startswith("33333")
    return status == 202 or (status in (200, 429) and in_progress and "data" not in (body or {}))


def _running(call: Call, answer: Answer, body: Mapping[str, Any]) -> Running:
    if not (handle := _handle(call, body)):
        raise ProtocolError("The statement runs, and the answer names no handle.")
    return Running(handle, body, retry_after_s(answer))


def _handle(call: Call, body: Mapping[str, Any]) -> str:
    """Return the handle that an answer names, or the one asked for; an answer about another statement is refused."""
    named = body.get("statementHandle") or call.statement_handle or ""
    if not isinstance(named, str) or (named and not HANDLE.fullmatch(named)):
        raise _malformed("statementHandle")
    if call.statement_handle and named.lower() != call.statement_handle.lower():
        raise ProtocolError("The answer is about another statement.")
    return named


def _finished(call: Call, body: Mapping[str, Any], has_rows: bool) -> Finished:
    metadata = _object(body, "resultSetMetaData")
    columns = tuple(column_of(shape) for shape in _objects(metadata, "rowType"))
    partitions = tuple(_partition_info(shape) for shape in _objects(metadata, "partitionInfo"))
    rows = _rows(body.get("data") or [], len(columns))
    if has_rows and partitions and partitions[0].row_count != len(rows):
        raise IncompleteResultError(f"{len(rows)} rows came, {partitions[0].row_count} were announced.")
    count = metadata.get("numRows")
    return Finished(
        statement_handle=_handle(call, body),
        body=body,
        columns=columns,
        rows=rows,
        partitions=partitions,
        num_rows=None if count is None else _count(count),
        stats={name: _count(value) for name, value in _object(body, "stats").items() if value is not None},
        statement_handles=_handles(body),
    )


def _handles(body: Mapping[str, Any]) -> tuple[str, ...]:
    handles = body.get("statementHandles") or []
    if not isinstance(handles, list) or not all(isinstance(handle, str) for handle in handles):
        raise _malformed("statementHandles")
    return tuple(handles)


def column_of(shape: Mapping[str, Any]) -> Column:
    """Return the column of one `rowType` object; a missing type is text, type names are compared without case."""
    attributes = {name: shape.get(name) for name in ("precision", "scale", "length")}
    if not isinstance(shape.get("name", ""), str) or not isinstance(shape.get("type", ""), str):
        raise _malformed("rowType")
    numbers = {name: None if value is None else _count(value) for name, value in attributes.items()}
    return Column(
        shape.get("name", ""), shape.get("type", "text").lower(), shape.get("nullable") is not False, **numbers
    )


def _partition_info(shape: Mapping[str, Any]) -> PartitionInfo:
    return PartitionInfo(_count(shape.get("rowCount", 0)), _count(shape.get("uncompressedSize") or 0))


def read_partition(call: Call, index: int, answer: Answer, *, width: int | None = None) -> Partition:
    """Return the rows of a partition's answer, an object with `data` or a bare array of rows."""
    if answer.status != 200:
        raise failure(call, answer)
    value = _json_value(answer.body)
    if isinstance(value, dict) and (problem := failure_in_success(call, answer, value)):
        raise problem
    return Partition(index, _rows_in(value, width or 0), len(answer.body))


def partition_body(call: Call, answer: Answer) -> bytes:
    """Return a partition's JSON unread, or raise what the answer reports instead."""
    if answer.status != 200:
        raise failure(call, answer)
    # A refusal is a short object; anything longer is rows, which its reader reads and whoever asked counts.
    body = json_body(answer) if len(answer.body) < _REFUSAL_BYTES else None
    if body is not None and (problem := failure_in_success(call, answer, body)):
        raise problem
    return answer.body


def rows_of(body: bytes, width: int = 0) -> list[list[Cell]]:
    """Return the rows of a partition's JSON, all `width` wide where that is not 0."""
    return _rows_in(_json_value(body), width)


def _json_value(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProtocolError("The partition is not JSON.") from None


def _rows_in(value: Any, width: int) -> list[list[Cell]]:
    return _rows(value.get("data") if isinstance(value, dict) else value, width)


def read_cancel(call: Call, answer: Answer) -> CancelOutcome:
    """Return whether the cancel took effect; a statement that is gone or finished is nothing to cancel, no error."""
    if answer.status == 200:
        code = str((json_body(answer) or {}).get("code", ""))
        return CancelOutcome.CANCELLED if code in ("000604", "0") else CancelOutcome.NOTHING_TO_CANCEL
    problem = failure(call, answer)
    if isinstance(problem, StatementNotFound) or problem.code == "000605":
        return CancelOutcome.NOTHING_TO_CANCEL
    raise problem


def _rows(data: object, width: int) -> list[list[Cell]]:
    if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        raise _malformed("data")
    if width and not all(len(row) == width for row in data):
        raise ProtocolError("A row has another number of cells than there are columns.")
    return data


def _object(body: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    value = body.get(member) or {}
    if not isinstance(value, dict):
        raise _malformed(member)
    return value


def _objects(body: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    value = body.get(member) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _malformed(member)
    return value


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _malformed("a count")


def _malformed(member: str) -> ProtocolError:
    return ProtocolError(f"The answer's {member} is not of the documented shape.")
