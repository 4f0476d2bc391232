"""Cells of one column, all at once: the same values as one by one, in a fraction of the time.

Pure. Each function takes the usual spelling of its type only, and returns None for anything else: then every cell is
read by itself (`sqlapi.values`), which knows every spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall clock of TIMESTAMP_NTZ
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES = len(".000000000")
# Whole numbers beyond 64 bits would become floats in orjson.
_LONG_NUMBER = re.compile(r"[0-9]{18}")
# The last four characters of a cell whose offset has three digits or four.
_OFFSET = re.compile(r" [0-9]{3}|[0-9]{4}")


def read_json(text: str) -> Any:
    """Return the value of JSON text, or raise ValueError for what orjson does not read exactly."""
    if _LONG_NUMBER.search(text):
        raise ValueError
    return orjson.loads(text)


def _documents(cells: Sequence[str]) -> list[Any] | None:
    # One document of them all, null between each two: a cell that is not one whole value shifts or swallows those.
    values = read_json(f"[{',null,'.join(cells)}]")
    is_exact = len(values) == 2 * len(cells) - 1 and set(map(type, values[1::2])) <= {type(None)}
    return values[::2] if is_exact else None


def _wall_clocks(cells: Sequence[str]) -> list[Any] | None:
    return [_EPOCH + time for time in _since_epoch(cells)] if _are_usual(cells) else None


def _instants(cells: Sequence[str]) -> list[Any] | None:
    return [_EPOCH_UTC + time for time in _since_epoch(cells)] if _are_usual(cells) else None


def _zoned(cells: Sequence[str]) -> list[Any] | None:
    seconds = [cell[:-5] if cell[-5:-4] == " " else cell[:-4] for cell in cells]
    offsets = [cell[-4:] for cell in cells]
    if not _are_usual(seconds):
        return None
    epochs = {offset: _epoch_at(offset) for offset in set(offsets)}
    return [epochs[offset] + time for offset, time in zip(offsets, _since_epoch(seconds), strict=True)]


def _epoch_at(offset: str) -> datetime:
    if not _OFFSET.fullmatch(offset):
        raise ValueError(offset)
    minutes = int(offset) - 1440
    return _EPOCH_UTC.astimezone(timezone(timedelta(minutes=minutes))) if minutes else _EPOCH_UTC


def _since_epoch(cells: Sequence[str]) -> list[timedelta]:
    """Return the time since the epoch of each cell; with numpy, where it is installed, in a third of the time."""
    micros = "\n".join([cell[:-3] for cell in cells]).replace(".", "")
    try:
        import numpy as np
    except ImportError:
        return [timedelta(0, 0, count) for count in map(int, micros.split("\n"))]
    return list(np.fromstring(micros, np.int64, sep="\n").astype("timedelta64[us]").tolist())


def _are_usual(cells: Sequence[str]) -> bool:
    """True for seconds with nine places and no sign, each of them before the year 5138."""
    digits = "".join(cells).replace(".", "")
    lengths = set(map(len, cells))
    return (
        digits.isascii()
        and digits.isdecimal()
        and min(lengths) > _PLACES
        and max(lengths) <= 11 + _PLACES
        and {cell[-_PLACES] for cell in cells} == {"."}
        and len(digits) == sum(map(len, cells)) - len(cells)
    )


_WHOLE: dict[str, Callable[[Sequence[str]], list[Any] | None]] = {
    "timestamp_ntz": _wall_clocks,
    "timestamp_ltz": _instants,
    "timestamp_tz": _zoned,
    "variant": _documents,
    "object": _documents,
    "array": _documents,
}


def whole_column(kind: str, cells: Sequence[str]) -> list[Any] | None:
    """Return the values of a column's cells, none of them null; None where they must be read one by one."""
    read = _WHOLE.get(kind)
    if read is None or not cells:
        return None
    try:
        return read(cells)
    except (ValueError, OverflowError):
        return None
