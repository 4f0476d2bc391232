"""Columns of cell text, as Arrow holds them, to rows of Python values: the same ones as `sqlapi.values` gives.

Pure. Arrow reads the text of a partition without a Python object for each cell; what is made here is the values alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from skipass.snowflake.sqlapi.values import Column, decode_column, in_rows, is_formatted


def typed_slices(
    columns: Sequence[Column], formats: Mapping[str, object], texts: Sequence[pa.Array], most_rows: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a partition's columns of text, at most so many at a time; errors are those of `decode_rows`."""

    def decoded(start: int) -> list[Sequence[Any]]:
        return [
            _values(column, formats, text.slice(start, most_rows)) for column, text in zip(columns, texts, strict=True)
        ]

    for start in range(0, len(texts[0]), most_rows):
        yield in_rows(partial(decoded, start))


def _values(column: Column, formats: Mapping[str, object], text: pa.Array) -> Sequence[Any]:
    found = None if is_formatted(column, formats) else _cast(column, text)
    return decode_column(column, formats, text.to_pylist()) if found is None else found


def _cast(column: Column, text: pa.Array) -> list[Any] | None:
    """Return the values that Arrow reads itself, None where its reading is not certainly Python's."""
    wanted = _CAST.get(column.type)
    if wanted is None or (column.type == "fixed" and (column.scale or _may_be_hexadecimal(text))):
        return None
    try:
        values = text.cast(wanted)
    except pa.ArrowInvalid:
        return None
    is_number = not pa.types.is_floating(wanted) or pc.all(pc.is_finite(values)).as_py() is not False
    return list(values.to_pylist()) if is_number else None


def _may_be_hexadecimal(text: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py())


_CAST = {"fixed": pa.int64(), "real": pa.float64(), "boolean": pa.bool_()}
