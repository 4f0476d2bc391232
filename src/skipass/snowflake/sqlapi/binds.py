"""Python values to the SQL API's bindings.

Pure. What has no exact binding is refused as `InvalidBinding` before anything is sent; nothing is rounded.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests (bind variables)
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from skipass.snowflake.errors import InvalidBinding

_DIGITS = 38
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock of TIMESTAMP_NTZ
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bind:
    """A binding as it goes over the wire: a type name of the SQL API and its text, None for NULL."""

    type: str
    value: str | None

    def as_dict(self) -> dict[str, str | None]:
        """Return the JSON object."""
        return {"type": self.type, "value": self.value}


def bindings(values: Sequence[object] | None) -> dict[str, dict[str, str | None]] | None:
    """Return the `bindings` of a request for `?` placeholders in order, or None when there are no values."""
    if not values:
        return None
    if isinstance(values, str | bytes | bytearray):
        raise InvalidBinding("Binds are a list of values, one for each placeholder.")
    return {str(position): bind(value).as_dict() for position, value in enumerate(values, 1)}


def bind(value: object) -> Bind:
    """Return the binding of one Python value.

    None, bool, int, Decimal, float, str, bytes, date, time and datetime are taken: a naive datetime as TIMESTAMP_NTZ,
    an aware one as TIMESTAMP_TZ with its offset. A ready `Bind` passes through. Lists and mappings are refused.
    """
    if isinstance(value, Bind):
        return value
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            return encode(value)
    hint = "Bind JSON text with json_text(value) and wrap the placeholder: PARSE_JSON(?)."
    raise InvalidBinding(f"A {type(value).__name__} cannot be bound to one placeholder.", hint=hint)


def json_text(value: object) -> Bind:
    """Return a TEXT binding with the value's JSON text, for `PARSE_JSON(?)`."""
    try:
        return Bind("TEXT", json.dumps(value, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        raise InvalidBinding("The value has no JSON text.") from None


def nanos(kind: str, value: int, offset_minutes: int | None = None) -> Bind:
    """Return a TIME or TIMESTAMP_* binding of exact nanoseconds; TIMESTAMP_TZ takes its offset beside them."""
    if kind == "TIMESTAMP_TZ":
        return Bind(kind, f"{value} {(offset_minutes or 0) + 1440:04d}")
    return Bind(kind, str(value))


def _integer(value: int) -> Bind:
    if abs(value) >= 10**_DIGITS:
        raise InvalidBinding("An integer of more than 38 digits cannot be bound.")
    return Bind("FIXED", str(int(value)))


def _decimal(value: Decimal) -> Bind:
    if not value.is_finite():
        raise InvalidBinding("A Decimal that is not a finite number cannot be bound.")
    _, digits, exponent = value.as_tuple()
    scale = -int(exponent)
    if scale <= _DIGITS - 1 and max(len(digits) - scale, 0) + max(scale, 0) <= _DIGITS:
        return Bind("FIXED", format(value, "f"))
    if len(digits) <= _DIGITS:
        return Bind("DECFLOAT", str(value))
    raise InvalidBinding("A Decimal of more than 38 digits cannot be bound.")


def _float(value: float) -> Bind:
    if math.isnan(value):
        return Bind("REAL", "NaN")
    return Bind("REAL", repr(float(value)))


def _text(value: str) -> Bind:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidBinding("The text holds half of a surrogate pair and has no UTF-8 form.") from None
    return Bind("TEXT", str(value))


def _bytes(value: bytes | bytearray | memoryview) -> Bind:
    return Bind("BINARY", bytes(value).hex().upper())


def _date(value: date) -> Bind:
    return Bind("DATE", str((value - _EPOCH.date()).days * 86_400_000))


def _time(value: time) -> Bind:
    if value.tzinfo is not None:
        raise InvalidBinding("A time of day with a zone cannot be bound: TIME has none.")
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return nanos("TIME", (seconds * 1_000_000 + value.microsecond) * 1000)


def _datetime(value: datetime) -> Bind:
    offset = value.utcoffset()
    if offset is None:
        return nanos("TIMESTAMP_NTZ", _nanos_since(value.replace(tzinfo=None), _EPOCH))
    minutes, rest = divmod(offset, timedelta(minutes=1))
    if rest:
        raise InvalidBinding("A time zone offset that is not in whole minutes cannot be bound.", hint="Convert to UTC.")
    return nanos("TIMESTAMP_TZ", _nanos_since(value, _EPOCH_UTC), minutes)


def _nanos_since(value: datetime, epoch: datetime) -> int:
    return (value - epoch) // timedelta(microseconds=1) * 1000


# bool before int and datetime before date: each is a subclass of the other.
_ENCODERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Bind]], ...] = (
    (type(None), lambda _: Bind("TEXT", None)),
    (bool, lambda value: Bind("BOOLEAN", "true" if value else "false")),
    (int, _integer),
    (Decimal, _decimal),
    (float, _float),
    (str, _text),
    ((bytes, bytearray, memoryview), _bytes),
    (datetime, _datetime),
    (date, _date),
    (time, _time),
)
