"""TO_CHAR with a format: the account's date elements and number masks as DuckDB calls.

Source: https://docs.snowflake.com/en/sql-reference/sql-format-models and .../date-time-input-output.
"""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from skipass.sandbox import failures

_ELEMENTS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MON": "%b", "MM": "%m", "DD": "%d", "DY": "%a", "HH24": "%H",
    "HH12": "%I", "HH": "%H", "AM": "%p", "PM": "%p", "MI": "%M", "SS": "%S", "FF3": "%g", "FF6": "%f",
    "FF9": "%n", "FF": "%n",
    "TZHTZM": "%z", "TZH:TZM": "%:z", "TZH": "TZH",
}  # fmt: skip
_LONGEST_FIRST = sorted(_ELEMENTS, key=len, reverse=True)
# DuckDB writes no offset as the account does; these parts of a pattern are put together around it.
_ZONE = re.compile(r"(%:?z|TZH:TZM|TZH)", re.IGNORECASE)


def strftime(pattern: str) -> str:
    """Return DuckDB's spelling of a date format; text in double quotes stands for itself."""
    out, index = "", 0
    while index < len(pattern):
        if pattern[index] == '"' and '"' in pattern[index + 1 :]:
            end = pattern.index('"', index + 1)
            out += pattern[index + 1 : end].replace("%", "%%")
            index = end + 1
            continue
        rest = pattern[index:].upper()
        name = next((name for name in _LONGEST_FIRST if rest.startswith(name)), None)
        out += _ELEMENTS[name] if name else pattern[index].replace("%", "%%")
        index += len(name) if name else 1
    return out


def rendered(value: Any, kind: str, pattern: str, zone: Any) -> Any:
    """Return the expression that writes a value in a format; 000002 for a mask that is not understood.

    `zone` is the expression of the value's offset, as `+0200`.
    """
    if pattern.upper() in ("UTF-8", "UTF8"):
        return exp.Anonymous(this="decode", expressions=[value])
    if pattern.upper() == "HEX":
        return exp.Anonymous(this="hex", expressions=[value])
    if kind.startswith(("DATE", "TIME")) or any(name in pattern.upper() for name in ("YYYY", "MM", "DD", "HH", "MI")):
        return stamped(value, strftime(pattern), zone)
    return _masked(value, pattern)


def stamped(value: Any, pattern: str, zone: Any) -> Any:
    """Return the expression that writes a time in DuckDB's own format, with the offset as the account writes it."""
    texts = [_piece(value, part, zone) for part in _ZONE.split(pattern) if part]
    return texts[0] if len(texts) == 1 else exp.Anonymous(this="concat", expressions=texts)


def _piece(value: Any, part: str, zone: Any) -> Any:
    if not _ZONE.fullmatch(part):
        return exp.Anonymous(this="strftime", expressions=[value.copy(), exp.Literal.string(part)])
    if part == "%z":
        return zone.copy()
    hours = exp.Anonymous(this="left", expressions=[zone.copy(), exp.Literal.number(3)])
    if part.upper() == "TZH":
        return hours
    minutes = exp.Anonymous(this="substr", expressions=[zone.copy(), exp.Literal.number(4)])
    return exp.Anonymous(this="concat", expressions=[hours, exp.Literal.string(":"), minutes])


def _masked(value: Any, mask: str) -> Any:
    if not mask or set(mask.upper()) - set("09,.$"):
        raise failures.unsupported(f"number format '{mask}'")
    decimals = len(mask.partition(".")[2])
    grouped = "," if "," in mask else ""
    dollar = "$" if "$" in mask else ""
    number = exp.Anonymous(
        this="format",
        expressions=[exp.Literal.string(dollar + "{:" + grouped + f".{decimals}f}}"), exp.cast(value, "DOUBLE")],
    )
    width = exp.Literal.number(len(mask) + 1)
    return exp.Anonymous(this="lpad", expressions=[number, width, exp.Literal.string(" ")])
