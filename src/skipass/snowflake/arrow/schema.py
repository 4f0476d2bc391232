"""Which Arrow type each column gets; decided by the column alone, so every batch of a result has the same schema.

Snowflake's type, precision and scale stay with each field as metadata (`snowflake_type`, `precision`, `scale`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from skipass.snowflake.sqlapi.values import Column, is_formatted

_INT64_DIGITS = 18
_DIGITS = 38
_ZONED_INSTANT = "instant"
_ZONED_OFFSET = "offset_minutes"


@dataclass(frozen=True, slots=True)
class ArrowTypes:
    """How to write times of more than one possible form.

    `timestamp_unit` is `ns` (years 1677 to 2262, exact) or `us` (every year Snowflake has, cut to microseconds).
    With `keep_offsets` a TIMESTAMP_TZ is a struct of `instant` and `offset_minutes`; without, it is its instant in UTC.
    """

    timestamp_unit: Literal["ns", "us"] = "ns"
    keep_offsets: bool = False


def schema_of(columns: Sequence[Column], formats: Mapping[str, object], types: ArrowTypes) -> pa.Schema:
    """Return the schema of a result; names are kept as they are, repeated ones too."""
    return pa.schema([_field(column, formats, types) for column in columns])


def _field(column: Column, formats: Mapping[str, object], types: ArrowTypes) -> pa.Field:
    attributes = {"snowflake_type": column.type, "precision": column.precision, "scale": column.scale}
    metadata = {name: str(value) for name, value in attributes.items() if value is not None}
    return pa.field(column.name, type_of(column, formats, types), column.nullable, metadata)


def type_of(column: Column, formats: Mapping[str, object], types: ArrowTypes) -> pa.DataType:
    """Return the Arrow type that holds every value of a column, text where Arrow has none (DECFLOAT, VARIANT …)."""
    if is_formatted(column, formats):
        return pa.string()
    if column.type == "fixed":
        return _number(column.precision or _DIGITS, column.scale or 0)
    if column.type in _TIMESTAMPS:
        return _timestamp(column.type, types)
    return _PLAIN.get(column.type, pa.string())


def _number(precision: int, scale: int) -> pa.DataType:
    whole = scale == 0 and precision <= _INT64_DIGITS
    return pa.int64() if whole else pa.decimal128(min(precision, _DIGITS), scale)


def _timestamp(kind: str, types: ArrowTypes) -> pa.DataType:
    if kind == "timestamp_ntz":
        return pa.timestamp(types.timestamp_unit)
    instant = pa.timestamp(types.timestamp_unit, tz="UTC")
    if kind == "timestamp_tz" and types.keep_offsets:
        return pa.struct([(_ZONED_INSTANT, instant), (_ZONED_OFFSET, pa.int16())])
    return instant


_TIMESTAMPS = ("timestamp_ntz", "timestamp_ltz", "timestamp_tz")
_PLAIN = {
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("ns"),
}
