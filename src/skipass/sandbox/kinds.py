"""Spellings of Snowflake's types, and what arithmetic makes of them. An unknown type is the empty string.

Knows no expressions. Source: https://docs.snowflake.com/en/sql-reference/operators-arithmetic.
"""

from __future__ import annotations

import re

UNKNOWN = ""
FLOAT = "FLOAT"
TEXT = "VARCHAR(16777216)"
COUNT = "NUMBER(18,0)"
ZONED, LOCAL, PLAIN = "TIMESTAMP_TZ(9)", "TIMESTAMP_LTZ(9)", "TIMESTAMP_NTZ(9)"
_FIXED = re.compile(r"NUMBER\((\d+),(\d+)\)\Z")
_JSON = ("VARIANT", "OBJECT", "ARRAY")


def scale_of(spelled: str) -> int | None:
    """Return the scale of a NUMBER, or None for any other type."""
    match = _FIXED.match(spelled)
    return int(match.group(2)) if match else None


def is_json(spelled: str) -> bool:
    """Tell whether values of the type are JSON in DuckDB."""
    return spelled in _JSON


def number(scale: int, precision: int = 38) -> str:
    """Return the spelling of a NUMBER."""
    return f"NUMBER({precision},{scale})"


def division_scale(dividend: int) -> int:
    """Return the scale of a quotient or average whose dividend has this scale."""
    return max(dividend, min(dividend + 6, 12))


def unify(kinds: list[str]) -> str:
    """Return the type that holds values of all these types."""
    known = [kind for kind in kinds if kind]
    if not known or len(known) < len(kinds):
        return UNKNOWN
    if len(set(known)) == 1:
        return known[0]
    scales = [scale_of(kind) for kind in known]
    plain = [scale for scale in scales if scale is not None]
    if len(plain) == len(scales):
        return number(max(plain))
    if all(scale is not None or kind == FLOAT for scale, kind in zip(scales, known, strict=True)):
        return FLOAT
    return TEXT if all(kind.startswith("VARCHAR") for kind in known) else UNKNOWN
