"""The column types: Snowflake's spelling, DuckDB's, and what `rowType` says of them.

Timestamps carry microseconds; TIMESTAMP_TZ is an instant and an offset in minutes; VARIANT, OBJECT and ARRAY are JSON
text. Source: https://docs.snowflake.com/en/sql-reference/intro-summary-data-types.
"""

from __future__ import annotations

import re

from sqlglot import exp

from skipass.sandbox import failures
from skipass.sandbox.results import MAX_TEXT, ResultColumn

_BINARY_LENGTH = 8_388_608
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_SPELLED = re.compile(r"([A-Z_]+)(?:\((\d+)(?:,(\d+))?\))?\Z")

_INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT", "INT128", "MEDIUMINT", "UTINYINT", "USMALLINT", "UINT", "UBIGINT"}
_WORDS = {
    "FLOAT": "FLOAT",
    "DOUBLE": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME(9)",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)",
    "DATETIME": "TIMESTAMP_NTZ(9)",
    "TIMESTAMPNTZ": "TIMESTAMP_NTZ(9)",
    "TIMESTAMPLTZ": "TIMESTAMP_LTZ(9)",
    "TIMESTAMPTZ": "TIMESTAMP_TZ(9)",
    "VARBINARY": f"BINARY({_BINARY_LENGTH})",
    "BINARY": f"BINARY({_BINARY_LENGTH})",
    "VARIANT": "VARIANT",
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
    "JSON": "VARIANT",
}
_TEXTS = {"VARCHAR", "TEXT", "CHAR", "NVARCHAR", "NCHAR"}

_DUCK = {
    "FLOAT": "DOUBLE",
    "VARCHAR": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    "TIMESTAMP_TZ": "STRUCT(t TIMESTAMPTZ, o SMALLINT)",
    "BINARY": "BLOB",
    "VARIANT": "JSON",
    "OBJECT": "JSON",
    "ARRAY": "JSON",
}
_FROM_DUCK = {
    "DOUBLE": "FLOAT",
    "FLOAT": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME(9)",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP_NS": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP_S": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP_MS": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ(9)",
    "STRUCT(t TIMESTAMP WITH TIME ZONE, o SMALLINT)": "TIMESTAMP_TZ(9)",
    "BLOB": f"BINARY({_BINARY_LENGTH})",
    "JSON": "VARIANT",
    "VARCHAR": f"VARCHAR({MAX_TEXT})",
    '"NULL"': f"VARCHAR({MAX_TEXT})",
}
_DUCK_INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip


def spelling(data_type: exp.DataType) -> str:
    """Return Snowflake's full spelling of a parsed type, such as `NUMBER(38,0)`; 000002 for one not offered."""
    kind = data_type.this.value if isinstance(data_type.this, exp.DType) else str(data_type.this)
    sizes = [int(param.name) for param in data_type.expressions if param.name.isdigit()]
    if kind in _INTEGERS:
        return "NUMBER(38,0)"
    if kind == "DECIMAL":
        precision, scale = [*sizes, 0][:2] if sizes else (38, 0)
        return f"NUMBER({precision},{scale})"
    if kind in _TEXTS:
        default = 1 if kind in ("CHAR", "NCHAR") else MAX_TEXT
        return f"VARCHAR({sizes[0] if sizes else default})"
    if kind in _WORDS:
        return _WORDS[kind]
    raise failures.unsupported(f"data type {kind}")


def duck(spelled: str) -> str:
    """Return the DuckDB type that stores a Snowflake type."""
    base, first, second = _parts(spelled)
    if base == "NUMBER":
        return f"DECIMAL({first},{second or 0})"
    return _DUCK[base]


def from_duck(type_name: str) -> str:
    """Return the Snowflake type that shows a DuckDB type; anything nested shows as VARIANT."""
    decimal = _DECIMAL.match(type_name)
    if decimal and not type_name.endswith("]"):
        return f"NUMBER({decimal.group(1)},{decimal.group(2)})"
    if type_name in _DUCK_INTEGERS:
        return "NUMBER(38,0)"
    return _FROM_DUCK.get(type_name, "VARIANT")


def _parts(spelled: str) -> tuple[str, int | None, int | None]:
    match = _SPELLED.match(spelled)
    if match is None:
        raise ValueError(f"no type is spelled {spelled!r}")
    base, first, second = match.groups()
    return base, int(first) if first else None, int(second) if second else None


def result_column(
    name: str, spelled: str, *, nullable: bool = True, origin: tuple[str, str, str] = ("", "", "")
) -> ResultColumn:
    """Return the `rowType` entry of a column of that Snowflake type."""
    base, first, second = _parts(spelled)
    if base == "NUMBER":
        return ResultColumn(name, "fixed", first, second or 0, None, nullable, origin)
    if base in ("VARCHAR", "BINARY"):
        kind = "text" if base == "VARCHAR" else "binary"
        return ResultColumn(name, kind, None, None, first, nullable, origin)
    if base == "FLOAT":
        return ResultColumn(name, "real", None, None, None, nullable, origin)
    if base.startswith("TIME"):
        return ResultColumn(name, base.lower(), None if base == "TIME" else 0, 9, None, nullable, origin)
    return ResultColumn(name, base.lower(), None, None, None, nullable, origin)


def describe(spelled: str) -> dict[str, object]:
    """Return what INFORMATION_SCHEMA.COLUMNS says of the type, by its own column names."""
    base, first, second = _parts(spelled)
    number, sized = base == "NUMBER", base in ("VARCHAR", "BINARY")
    return {
        "DATA_TYPE": "TEXT" if base == "VARCHAR" else base,
        "CHARACTER_MAXIMUM_LENGTH": first if sized else None,
        "CHARACTER_OCTET_LENGTH": first if sized else None,
        "NUMERIC_PRECISION": first if number else None,
        "NUMERIC_PRECISION_RADIX": 10 if number else None,
        "NUMERIC_SCALE": (second or 0) if number else None,
        "DATETIME_PRECISION": first if base.startswith("TIME") else None,
    }
