"""Turns a DuckDB value into the text of a cell: what DuckDB is asked to select, and what is done with the answer.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses (table of encodings); where that
page contradicts itself over timestamps, `nanos` picks the other reading.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

Cell = str | None
Encoder = Callable[[object], str]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_OFFSET = 1440


@dataclass(frozen=True, slots=True)
class Formats:
    """How the request wants its cells: output formats by kind, binary as hex or base64, NULL as text or not."""

    nanos: bool = False
    base64: bool = False
    nullable: bool = True
    patterns: Mapping[str, str] = field(default_factory=dict)


def selected(kind: str, column: str) -> str:
    """Return the DuckDB expression that brings a column of that `rowType` type into Python safely."""
    if kind in ("fixed", "text", "boolean", "variant", "object", "array"):
        return f"CAST({column} AS VARCHAR)"
    if kind == "date":
        return f"CAST({column} AS DATE) - DATE '1970-01-01'"
    if kind == "timestamp_tz":
        return f"epoch_us(struct_extract({column}, 't')) || ' ' || struct_extract({column}, 'o')"
    if kind == "timestamp_ltz":
        return f"epoch_us({column}) || ' ' || date_part('timezone', {column}) // 60"
    if kind.startswith("time"):
        return f"epoch_us({column})"
    if kind == "binary":
        return f"hex({column})"
    return column


def encoder(kind: str, formats: Formats) -> Encoder:
    """Return what makes the cell's text from the value that `selected` brought; never called with None."""
    pattern = formats.patterns.get(kind)
    if kind == "real":
        return _real
    if kind in ("variant", "object", "array"):
        return _json
    if kind == "binary":
        return _base64 if formats.base64 else str
    if pattern is not None:
        return _formatted(kind, pattern)
    if kind == "time":
        return _seconds
    if kind.startswith("timestamp"):
        return _timestamp(kind, _nanos if formats.nanos else _seconds)
    return str


def _real(value: object) -> str:
    number = float(str(value))
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _json(value: object) -> str:
    return json.dumps(json.loads(str(value)), indent=2, ensure_ascii=False)


def _base64(value: object) -> str:
    import base64

    return base64.b64encode(bytes.fromhex(str(value))).decode()


def _seconds(value: object) -> str:
    micros = int(str(value))
    whole, part = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}000"


def _nanos(value: object) -> str:
    return str(int(str(value)) * 1000)


def _timestamp(kind: str, inner: Encoder) -> Encoder:
    """A value with a zone comes as microseconds and the zone's offset in minutes."""

    def encode(value: object) -> str:
        micros, _, offset = str(value).partition(" ")
        return f"{inner(micros)} {int(offset) + _NO_OFFSET}" if kind == "timestamp_tz" else inner(micros)

    return encode


_ELEMENTS = {
    "YYYY": "%Y", "MM": "%m", "MON": "%b", "DD": "%d", "DY": "%a", "HH24": "%H", "HH12": "%I", "AM": "%p", "PM": "%p",
    "MI": "%M", "SS": "%S", "FF9": "%f000", "FF6": "%f", "FF": "%f000", "TZHTZM": "%z", "TZH:TZM": "%:z",
}  # fmt: skip


def _formatted(kind: str, pattern: str) -> Encoder:
    template = _template(pattern)

    def render(value: object) -> str:
        number, _, offset = str(value).partition(" ")
        moment = _moment(kind, int(number), int(offset or 0))
        zone = moment.strftime("%z") if isinstance(moment, datetime) else ""
        return moment.strftime(template.replace("%:z", f"{zone[:3]}:{zone[3:]}"))

    return render


def _moment(kind: str, number: int, offset: int) -> date:
    if kind == "date":
        return date(1970, 1, 1) + timedelta(days=number)
    return (_EPOCH + timedelta(microseconds=number)).astimezone(timezone(timedelta(minutes=offset)))


def _template(pattern: str) -> str:
    out, index = "", 0
    names = sorted(_ELEMENTS, key=len, reverse=True)
    while index < len(pattern):
        rest = pattern[index:].upper()
        name = next((name for name in names if rest.startswith(name)), None)
        out += _ELEMENTS[name] if name else pattern[index].replace("%", "%%")
        index += len(name) if name else 1
    return out
