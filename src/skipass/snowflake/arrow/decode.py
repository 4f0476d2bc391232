"""Columns of cell text to typed Arrow columns, in Arrow's own compiled kernels.

Pure. The text of a time is a decimal number of seconds; as a decimal with nine places its digits are the nanoseconds,
so a time is read without rounding and without a loop. What does not fit raises Arrow's own errors.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from skipass.snowflake.sqlapi.values import Column, is_base64

_SECONDS = pa.decimal128(38, 9)
_DIGITS = pa.decimal128(38, 0)
_MICROS = pa.decimal128(38, 3)


def scalar(kind: pa.DataType, value: int, width_bytes: int) -> pa.Scalar:
    """Return a number that is not negative as a scalar of a kind so wide.

    It is made of its bytes, because pyarrow turns a Python number into a scalar only after importing all of pandas.
    """
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(value.to_bytes(width_bytes, "little"))])[0]


_ONE = scalar(pa.int32(), 1, 4)
_UTC = scalar(pa.int16(), 1440, 2)
# Text of more than twelve digits without a fraction is nanoseconds already, as in `sqlapi.values`.
_NANOS_FROM = scalar(_DIGITS, 10**21, 16)
_ZERO = scalar(pa.int32(), 0, 4)


def decode(column: Column, text: pa.Array, wanted: pa.DataType, formats: Mapping[str, object]) -> pa.Array:
    """Return a column's values in the wanted type of `arrow.schema`; null stays null."""
    if pa.types.is_string(wanted):
        return text
    if column.type == "binary":
        return _base64(text) if is_base64(formats) else _hex(text)
    if column.type == "date":
        return text.cast(pa.int32()).cast(wanted)
    if column.type == "time":
        return _time_of_day(text, wanted)
    if column.type in ("timestamp_ntz", "timestamp_ltz"):
        return _instant(text, wanted)
    if column.type == "timestamp_tz":
        return _zoned(text, wanted)
    return text.cast(wanted)


def _digits(seconds: pa.Array) -> pa.Array:
    """Return nanoseconds as whole decimals: the same bits, read without the point."""
    exact = seconds.cast(_SECONDS)
    digits = _reread(exact, _DIGITS)
    already = pc.greater_equal(pc.abs(digits), _NANOS_FROM)
    if not pc.any(already).as_py():
        return digits
    whole = pc.floor(exact)
    return pc.if_else(pc.and_(already, pc.equal(whole, exact)), whole.cast(_DIGITS), digits)


def _reread(numbers: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(numbers), numbers.buffers(), numbers.null_count, numbers.offset)


def _time_of_day(text: pa.Array, wanted: pa.DataType) -> pa.Array:
    times = _digits(text).cast(pa.int64()).cast(wanted)
    # The cast takes any number of nanoseconds; only this asks whether it is within a day.
    times.validate(full=True)
    return times


def _instant(seconds: pa.Array, wanted: pa.TimestampType) -> pa.Array:
    digits = _digits(seconds)
    if wanted.unit == "us":
        digits = pc.floor(_reread(digits, _MICROS)).cast(_DIGITS)
    return digits.cast(pa.int64()).cast(wanted)


def _zoned(text: pa.Array, wanted: pa.DataType) -> pa.Array:
    parts = pc.split_pattern(text, " ")
    instant_type = wanted.field(0).type if pa.types.is_struct(wanted) else wanted
    instant = _instant(pc.list_element(parts, _ZERO), instant_type)
    if not pa.types.is_struct(wanted):
        return instant
    offset = pc.subtract(pc.list_element(parts, _ONE).cast(pa.int16()), _UTC)
    return pa.StructArray.from_arrays([instant, offset], fields=list(wanted), mask=pc.is_null(text))


def _hex(text: pa.Array) -> pa.Array:
    """Return the bytes of hexadecimal text: all cells at once, since two digits are always one byte."""
    bounds = pa.Array.from_buffers(pa.int32(), len(text) + 1, [None, text.buffers()[1]], 0, text.offset)
    if pc.any(pc.not_equal(pc.bit_wise_and(bounds, _ONE), _ZERO)).as_py():
        raise ValueError("hexadecimal text of odd length")
    digits = text.buffers()[2]
    content = binascii.unhexlify(digits) if digits is not None else b""
    halves = pc.shift_right(bounds, _ONE)
    validity = pc.is_valid(text)
    buffers = [None if text.null_count == 0 else validity.buffers()[1], halves.buffers()[1], pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.binary(), len(text), buffers, text.null_count)


def _base64(text: pa.Array) -> pa.Array:
    cells = (None if cell is None else base64.b64decode(cell, validate=True) for cell in text.to_pylist())
    return pa.array(cells, pa.binary())
