"""RESULT_SCAN: a finished statement's rows, given back to DuckDB in their types.

Source: https://docs.snowflake.com/en/sql-reference/functions/result_scan.
"""

from __future__ import annotations

from skipass.sandbox import failures
from skipass.sandbox.infoschema import inline
from skipass.sandbox.results import ResultColumn
from skipass.sandbox.statements import Output, Statement

_DUCK = {
    "real": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "variant": "JSON",
    "object": "JSON",
    "array": "JSON",
    "binary": "VARCHAR",
    "date": "DATE",
    "time": "TIME",
}
_SNOWFLAKE = {"variant": "VARIANT", "object": "OBJECT", "array": "ARRAY", "real": "FLOAT", "date": "DATE"}


def scanned(statement: Statement | None, handle: str) -> tuple[str, dict[str, str]]:
    """Return DuckDB SQL that yields the rows of a statement, and its columns' types where they are known."""
    if statement is None or not statement.done.is_set():
        raise failures.unknown_handle(handle)
    if statement.output is None:
        raise statement.failure or failures.unknown_handle(handle)
    return _sql(statement.output)


def _sql(output: Output) -> tuple[str, dict[str, str]]:
    names = [f"c{index}" for index in range(len(output.columns))]
    rows = [dict(zip(names, row, strict=True)) for part in output.partitions for row in part.read()]
    raw = inline(dict.fromkeys(names, "VARCHAR"), rows)
    shown = ", ".join(
        f'{_decoded(column, name)} AS "{column.name.replace(chr(34), chr(34) * 2)}"'
        for column, name in zip(output.columns, names, strict=True)
    )
    return f"SELECT {shown} FROM ({raw}) AS r", {column.name: _spelled(column) for column in output.columns}


def _decoded(column: ResultColumn, name: str) -> str:
    if column.type == "fixed":
        return f"CAST({name} AS DECIMAL(38, {column.scale or 0}))"
    if column.type == "date":
        return f"DATE '1970-01-01' + CAST({name} AS INTEGER)"
    if column.type == "time":
        return f"TIME '00:00:00' + to_microseconds(CAST(CAST({name} AS DECIMAL(38, 6)) * 1000000 AS BIGINT))"
    if column.type == "timestamp_tz":
        return f"sf_tz_make({_instant(name)} AT TIME ZONE 'UTC', CAST(split_part({name}, ' ', 2) AS INTEGER) - 1440)"
    if column.type.startswith("timestamp"):
        kind = "" if column.type.endswith("ntz") else " AT TIME ZONE 'UTC'"
        return f"({_instant(name)}{kind})"
    return f"CAST({name} AS {_DUCK.get(column.type, 'VARCHAR')})"


def _instant(name: str) -> str:
    micros = f"CAST(CAST(split_part({name}, ' ', 1) AS DECIMAL(38, 6)) * 1000000 AS BIGINT)"
    return f"make_timestamp({micros})"


def _spelled(column: ResultColumn) -> str:
    if column.type == "fixed":
        return f"NUMBER(38,{column.scale or 0})"
    if column.type == "text":
        return f"VARCHAR({column.length or 16_777_216})"
    if column.type.startswith("time"):
        return f"{column.type.upper()}(9)"
    return _SNOWFLAKE.get(column.type, "")
