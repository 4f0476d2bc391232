"""Arrow tables to pandas and polars frames."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pyarrow as pa

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.result import distinct


def to_pandas(table: pa.Table, **options: Any) -> Any:
    """Return a pandas DataFrame; `options` are those of `pyarrow.Table.to_pandas`.

    Whole numbers of up to 38 digits become int64 where all of a column's values fit. Dates become `datetime64`.
    """
    _module("pandas")
    return _with_plain_integers(table).to_pandas(**{"date_as_object": False, **options})


def to_polars(table: pa.Table) -> Any:
    """Return a polars DataFrame; a repeated column name goes on as `NAME_2`, since polars has each name once.

    Whole numbers of up to 38 digits become Int64 where all of a column's values fit.
    """
    polars = _module("polars")
    return polars.from_arrow(_with_plain_integers(table).rename_columns(distinct(table.column_names)))


def _with_plain_integers(table: pa.Table) -> pa.Table:
    fields: Sequence[pa.Field] = table.schema
    for index, field in enumerate(fields):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                column = table.column(index).cast(pa.int64())
            except pa.ArrowInvalid:
                continue
            table = table.set_column(index, field.with_type(pa.int64()), column)
    return table


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise SnowflakeConfigError(f"{name} is not installed.", hint=f"pip install {name}") from None
