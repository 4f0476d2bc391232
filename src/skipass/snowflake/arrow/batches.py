"""A partition to one Arrow record batch.

Pure. The text of a partition is read by Arrow's own JSON reader, which makes no Python object of a cell and leaves the
interpreter free for other work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as pa_json

from skipass.snowflake.arrow.decode import decode, scalar
from skipass.snowflake.arrow.pieces import in_pieces
from skipass.snowflake.arrow.schema import ArrowTypes, schema_of
from skipass.snowflake.errors import OutOfRangeError, ProtocolError
from skipass.snowflake.sqlapi.values import Cell, Column

T = TypeVar("T")
_BODY = pa.schema([("data", pa.list_(pa.list_(pa.string())))])
_RANGE_HINT = "Ask for timestamp_unit='us', or cast the column in SQL."


class Batches:
    """Makes record batches of one result's partitions, all of `schema`.

    Raises `ProtocolError` for what is not of the documented shape and `OutOfRangeError` for a value that the column's
    Arrow type cannot hold.
    """

    def __init__(self, columns: Sequence[Column], formats: Mapping[str, object], types: ArrowTypes) -> None:
        self._columns = columns
        self._formats = formats
        self.schema: pa.Schema = schema_of(columns, formats, types)

    def of_body(self, body: bytes) -> pa.RecordBatch:
        """Return the batch of a partition's JSON, an object with `data` or a bare array of rows."""
        width = len(self._columns)
        batches = in_pieces(body, lambda piece: self._typed(_columns_of_piece(piece, width)))
        # One batch for a partition, whatever pieces it was read in.
        return batches[0] if len(batches) == 1 else pa.concat_batches(batches, memory_pool=pa.system_memory_pool())

    def of_rows(self, rows: Sequence[Sequence[Cell]]) -> pa.RecordBatch:
        """Return the batch of rows of cell text."""
        return self.of_body(_guarded(lambda: orjson.dumps(rows)))

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        """Return one table of batches."""
        return pa.Table.from_batches(batches, self.schema)

    def _typed(self, texts: Sequence[pa.Array]) -> pa.RecordBatch:
        arrays = [
            self._column(column, text, field.type)
            for column, text, field in zip(self._columns, texts, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _column(self, column: Column, text: pa.Array, wanted: pa.DataType) -> pa.Array:
        try:
            return decode(column, text, wanted, self._formats)
        except (pa.ArrowInvalid, ValueError) as problem:
            # Arrow's text quotes the cell, which is the reader's data: it stays out of the message.
            fits = "out of bounds" not in str(problem)
        if fits:
            raise ProtocolError(f"A cell of column {column.name!r} does not have the form of its type.")
        raise OutOfRangeError(f"A value of column {column.name!r} does not fit {wanted}.", hint=_RANGE_HINT)


def texts_of_body(body: bytes, width: int) -> list[list[pa.Array]]:
    """Return the columns of cell text of each piece of a partition's JSON, or raise `ProtocolError`."""
    return in_pieces(body, lambda piece: _columns_of_piece(piece, width))


def _columns_of_piece(piece: bytes, width: int) -> list[pa.Array]:
    return _guarded(lambda: _columns(piece, width))


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except (pa.ArrowException, ValueError, TypeError, LookupError):
        raise ProtocolError("The partition is not a list of rows of text, all as wide as the result.") from None


def _columns(text: bytes, width: int) -> list[pa.Array]:
    table = pa_json.read_json(
        pa.BufferReader(text),
        read_options=pa_json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pa_json.ParseOptions(
            explicit_schema=_BODY, unexpected_field_behavior="ignore", newlines_in_values=True
        ),
        # Much is taken and given back with every partition: the system's pool really gives it back.
        memory_pool=pa.system_memory_pool(),
    )
    if table.num_rows != 1 or table.column(0).null_count:
        raise ValueError("no data")
    rows = table.column(0).chunk(0).flatten()
    if len(rows) == 0:
        return [pa.nulls(0, pa.string())] * width
    cells = _checked(rows, width)
    by_row = pa.FixedSizeListArray.from_arrays(cells, width)
    return [
        pc.list_element(by_row, scalar(pa.int32(), index, 4), memory_pool=pa.system_memory_pool())
        for index in range(width)
    ]


def _checked(rows: pa.ListArray, width: int) -> pa.StringArray:
    widths = pc.min_max(rows.value_lengths())
    if rows.null_count or widths["min"].as_py() != width or widths["max"].as_py() != width:
        raise ValueError("a row of another width")
    cells = rows.flatten()
    cells.validate(full=True)
    return cells
