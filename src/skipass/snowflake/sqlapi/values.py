"""The SQL API's cells to Python values.

Pure. Snowflake sends every cell as text; which text depends on the column's type and on the request's own output-format
parameters, never on account settings. Both documented spellings of a timestamp (seconds with a fraction, whole
nanoseconds) are read. A value that Python's types cannot hold comes back as text, never as a different value.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

from skipass.snowflake.errors import ProtocolError
from skipass.snowflake.sqlapi.columns import read_json, whole_column

Cell = str | None
Decoder = Callable[[str], Any]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock of TIMESTAMP_NTZ
_NANOS = 10**9
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result; `type` is Snowflake's type name in lower case, attributes it does not use are None or 0."""

    name: str
    type: str
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None
    length: int | None = None


def decode_rows(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], formats: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """Return the rows as tuples of Python values; `formats` are the parameters that the request was sent with.

    Raises `ProtocolError` for a row of another width and for a cell that its type does not allow.
    """
    if not columns:
        return [tuple(row) for row in rows]
    return in_rows(lambda: _decoded(columns, rows, formats))


def _decoded(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], formats: Mapping[str, object]
) -> list[Sequence[Any]]:
    cells = list(zip(*rows, strict=True))
    if rows and len(cells) != len(columns):
        raise ProtocolError("A row has another number of cells than there are columns.")
    return [decode_column(column, formats, texts) for column, texts in zip(columns, cells, strict=False)]


def in_rows(decode: Callable[[], Sequence[Sequence[Any]]]) -> list[tuple[Any, ...]]:
    """Return the columns that `decode` gives as rows; a cell that its type does not allow is a `ProtocolError`."""
    try:
        return list(zip(*decode(), strict=True))
    except (ValueError, TypeError, LookupError, ArithmeticError):
        raise ProtocolError("A cell does not have the form of its column's type.") from None


def decode_cell(column: Column, cell: Cell, formats: Mapping[str, object] | None = None) -> Any:
    """Return one cell's Python value, None for NULL."""
    return decode_rows([column], [[cell]], formats or {})[0][0]


def decode_column(column: Column, formats: Mapping[str, object], cells: Sequence[Cell]) -> Sequence[Any]:
    """Return the values of a column's cells; for a cell that its type does not allow, whatever Python raises."""
    kinds = set(map(type, cells))
    if not kinds <= {str, type(None)}:
        raise TypeError
    decode = decoder(column, formats)
    if decode is _text:
        return cells
    if decode in _REPETITIVE:
        each = {cell: None if cell is None else decode(cell) for cell in set(cells)}
        return [each[cell] for cell in cells]
    if kinds == {str}:
        return _decode_texts(column, formats, cells)  # type: ignore[arg-type]
    decoded = iter(_decode_texts(column, formats, [cell for cell in cells if cell is not None]))
    return [None if cell is None else next(decoded) for cell in cells]


def _decode_texts(column: Column, formats: Mapping[str, object], texts: Sequence[str]) -> list[Any]:
    decode = decoder(column, formats)
    if decode is _integer:
        with suppress(ValueError):
            return list(map(int, texts))
    values = None if is_formatted(column, formats) else whole_column(column.type, texts)
    return list(map(decode, texts)) if values is None else values


def decoder(column: Column, formats: Mapping[str, object]) -> Decoder:
    """Return the function that turns a non-null cell of this column into its value."""
    if is_formatted(column, formats):
        return _text
    if column.type == "binary" and is_base64(formats):
        return lambda cell: base64.b64decode(cell, validate=True)
    if column.type == "fixed":
        return Decimal if column.scale else _integer
    return _DECODERS.get(column.type, _text)


def is_formatted(column: Column, formats: Mapping[str, object]) -> bool:
    """True when the request asked for a date or time of this column's type as formatted text."""
    wanted = {name.lower() for name, value in formats.items() if value}
    return any(name in wanted for name in _FORMATTED_BY.get(column.type, ()))


def is_base64(formats: Mapping[str, object]) -> bool:
    """True when the request asked for binary cells in base 64 instead of hexadecimal digits."""
    return any(name.lower() == "binary_output_format" and str(v).upper() == "BASE64" for name, v in formats.items())


def without_null_words(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """Return rows of a request sent with `nullable=false`, its word `null` turned back to NULL outside text columns.

    In a text column the word stays: there it cannot be told from NULL.
    """
    worded = [column.type in _WORDED for column in columns]
    return [
        [None if cell == "null" and is_word else cell for cell, is_word in zip(row, worded, strict=True)]
        for row in rows
    ]


def nanos_of(cell: str) -> int:
    """Return a TIME or TIMESTAMP cell's nanoseconds, without its offset; negative before the epoch.

    Text without a point and with more than twelve digits is read as nanoseconds, else as seconds.
    """
    text = cell.split(maxsplit=1)[0]
    negative = text.startswith("-")
    whole, point, fraction = text.lstrip("-").partition(".")
    if not whole.isascii() or not (whole + fraction).isdigit() or len(fraction) > 9:
        raise ValueError(cell)
    nanos = int(whole) if not point and len(whole) > 12 else int(whole) * _NANOS + int(fraction.ljust(9, "0"))
    return -nanos if negative else nanos


def offset_minutes_of(cell: str) -> int:
    """Return the offset, in minutes east of UTC, of a TIMESTAMP_TZ cell."""
    return int(cell.split()[1]) - 1440


def iso_timestamp(nanos: int, offset_minutes: int | None = None) -> str:
    """Return ISO 8601 text, nine fraction digits, of nanoseconds since the epoch; years may have over four digits."""
    seconds, fraction = divmod(nanos, _NANOS)
    days, second = divmod(seconds + (offset_minutes or 0) * 60, _DAY)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{fraction:09d}"
    if offset_minutes is None:
        return f"{iso_date(days)}T{clock}"
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"{iso_date(days)}T{clock}{'-' if offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"


def iso_date(days: int) -> str:
    """Return `YYYY-MM-DD` of days since 1970-01-01 in the proleptic Gregorian calendar, for any year."""
    # 400 years are 146,097 days, so any year is some year Python knows and a whole number of such periods.
    periods, rest = divmod(days + 719_162, 146_097)
    within = date.fromordinal(rest + 1)
    year = within.year + 400 * periods
    return f"{year:05d}-{within:%m-%d}" if year < 0 else f"{year:04d}-{within:%m-%d}"


def _text(cell: str) -> str:
    return cell


def _integer(cell: str) -> int | Decimal:
    return Decimal(cell) if "." in cell else int(cell)


def _boolean(cell: str) -> bool:
    if (word := cell.lower()) not in _BOOLEANS:
        raise ValueError(cell)
    return _BOOLEANS[word]


@lru_cache(maxsize=16_384)
def _date(cell: str) -> date | str:
    days = int(cell)
    return date.fromordinal(days + 719_163) if -719_162 <= days <= 2_932_896 else iso_date(days)


def _time(cell: str) -> time:
    seconds, fraction = divmod(nanos_of(cell), _NANOS)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, fraction // 1000)


def _wall_clock(cell: str) -> datetime | str:
    nanos = nanos_of(cell)
    try:
        return _EPOCH + timedelta(microseconds=nanos // 1000)
    except OverflowError:
        return iso_timestamp(nanos)


def _instant(cell: str) -> datetime | str:
    wall = _wall_clock(cell)
    return wall.replace(tzinfo=UTC) if isinstance(wall, datetime) else iso_timestamp(nanos_of(cell), 0)


def _zoned(cell: str) -> datetime | str:
    nanos, offset = nanos_of(cell), offset_minutes_of(cell)
    zone = timezone(timedelta(minutes=offset)) if offset else UTC
    try:
        return (_EPOCH + timedelta(microseconds=nanos // 1000, minutes=offset)).replace(tzinfo=zone)
    except OverflowError:
        return iso_timestamp(nanos, offset)


def _json(cell: str) -> Any:
    with suppress(ValueError):
        return read_json(cell)
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        # The text may hold what JSON does not have (`undefined` in an array); as it is, it loses nothing.
        return cell


# Decoders of columns that hold few different values: each of them is decoded once.
_REPETITIVE = (_boolean, _date)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_TIMESTAMPS = ("timestamp_ntz", "timestamp_ltz", "timestamp_tz")
_WORDED = frozenset({"fixed", "real", "decfloat", "binary", "boolean", "date", "time", *_TIMESTAMPS})
_FORMATTED_BY: dict[str, tuple[str, ...]] = {
    "date": ("date_output_format",),
    "time": ("time_output_format",),
    **{kind: ("timestamp_output_format", f"{kind}_output_format") for kind in _TIMESTAMPS},
}
_DECODERS: dict[str, Decoder] = {
    "real": float,
    "decfloat": Decimal,
    "binary": bytes.fromhex,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "timestamp_ntz": _wall_clock,
    "timestamp_ltz": _instant,
    "timestamp_tz": _zoned,
    "variant": _json,
    "object": _json,
    "array": _json,
}
