"""A result's cells as people write them: Snowflake counts days and seconds since 1970, and no reader should have to.

Only what is certainly such a count is turned into a date or a time; every other cell stays exactly as it came.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses (data type of each column)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from skipass.snowflake.sqlapi.values import iso_date, iso_timestamp, nanos_of, offset_minutes_of

# A date the caller had written by a format of their own has separators, a leading zero or more digits than this.
_DAYS = re.compile(r"0|-?[1-9][0-9]{0,6}", re.ASCII)
_SECONDS = re.compile(r"-?[0-9]{1,15}\.[0-9]{9}", re.ASCII)
_ZONED = re.compile(r"-?(?:[0-9]{1,15}\.[0-9]{9}|[0-9]{13,19}) [0-9]{1,4}", re.ASCII)


def readable_rows(columns: Sequence[Mapping[str, Any]], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Yield rows with dates as `2026-01-31`, times as `10:00:00` and timestamps as both, UTC marked by a Z.

    `columns` is the `rowType` of the result; fractions of a second keep every digit that is not a closing zero.
    """
    readers = {at: reader for at, column in enumerate(columns) if (reader := _READERS.get(str(column.get("type"))))}
    for row in rows:
        yield [_read(readers.get(at), value) for at, value in enumerate(row)] if readers else row


def _read(reader: Callable[[str], str] | None, value: Any) -> Any:
    return reader(value) if reader is not None and isinstance(value, str) else value


def _date(text: str) -> str:
    return iso_date(int(text)) if _DAYS.fullmatch(text) else text


def _time(text: str) -> str:
    return _short(iso_timestamp(nanos_of(text)).partition("T")[2]) if _SECONDS.fullmatch(text) else text


def _wall_clock(text: str) -> str:
    return _short(_spaced(iso_timestamp(nanos_of(text)))) if _SECONDS.fullmatch(text) else text


def _instant(text: str) -> str:
    return f"{_short(_spaced(iso_timestamp(nanos_of(text))))}Z" if _SECONDS.fullmatch(text) else text


def _zoned(text: str) -> str:
    if not _ZONED.fullmatch(text):
        return text
    offset = offset_minutes_of(text)
    written = _spaced(iso_timestamp(nanos_of(text), offset))
    return _short(written[:-6]) + (written[-6:] if offset else "Z")


def _spaced(written: str) -> str:
    return written.replace("T", " ", 1)


def _short(written: str) -> str:
    return written.rstrip("0").rstrip(".")


_READERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "date": _date,
        "time": _time,
        "timestamp_ntz": _wall_clock,
        "timestamp_ltz": _instant,
        "timestamp_tz": _zoned,
    }
)
