"""DuckDB's error texts as the vendor's failures; no such text leaves the sandbox."""

from __future__ import annotations

import re
from typing import Any

from skipass.sandbox import failures

_QUOTED = re.compile(r'"([^"]+)"')


def translate(error: Exception) -> failures.Failure:
    """Return the vendor's failure for a DuckDB error; a text that is not understood is 000002, never passed on."""
    text = str(error)
    quoted = _QUOTED.search(text)
    name = quoted.group(1) if quoted else ""
    for pattern, make in _ERRORS:
        if pattern in text:
            failure: failures.Failure = make(name, text)
            return failure
    return failures.unsupported(type(error).__name__.removesuffix("Exception").lower())


def _value(code: str, state: str, label: str) -> Any:
    return lambda name, _: failures.Failure(code, state, f"{label} value '{name}' is not recognized")


def _function(_: str, text: str) -> failures.Failure:
    match = re.search(r"Function with name (\S+) does not exist", text)
    return failures.unknown_function((match.group(1) if match else "").strip('"').upper())


def _conversion(name: str, text: str) -> failures.Failure:
    if re.search(r"date|time", text, re.IGNORECASE):
        kind = "Timestamp" if "timestamp" in text else "Date"
        return failures.Failure("100035", "22007", f"{kind} '{name}' is not recognized")
    if "BOOL" in text:
        return failures.Failure("100037", "22018", f"Boolean value '{name}' is not recognized")
    return failures.Failure("100038", "22018", f"Numeric value '{name}' is not recognized")


def _plain(code: str, state: str, text: str) -> Any:
    return lambda *_: failures.Failure(code, state, text)


def _compiled(code: str, state: str, text: str) -> Any:
    return lambda *_: failures.compilation(code, state, text)


_ERRORS: tuple[tuple[str, Any], ...] = (
    ("CHECK constraint", _plain("100078", "22000", "String is too long and would be truncated")),
    ("Malformed URL", _plain("100139", "22P02", "Error parsing URL")),
    ("Malformed JSON", _plain("100069", "22P02", "Error parsing JSON")),
    ("More than one row returned by a subquery", _plain(
        "090150", "22000", "Single-row subquery returns more than one row.")),
    ("WHERE clause cannot contain aggregates", _compiled(
        "002035", "42601", "Invalid aggregate function in where clause")),
    ("can only apply to expressions with the same number", _compiled(
        "001789", "42601", "invalid number of result columns for set operator input branches")),
    ("values were supplied", _compiled("002057", "21S01", "Insert value list does not match column list")),
    ("columns available but", _compiled("002057", "21S01", "Insert value list does not match column list")),
    ("columns but", _compiled("002057", "21S01", "Insert value list does not match column list")),
    ("is out of range for the destination", _plain("100046", "22003", "Number out of representable range")),
    ("Casting value", _plain("100046", "22003", "Number out of representable range")),
    ("Could not cast value", _plain("100046", "22003", "Number out of representable range")),
    ("Table with name", lambda *_: failures.missing("?")),  # it was dropped since its name was read
    ("Division by zero", lambda *_: failures.Failure("100051", "22012", "Division by zero")),
    ("not found in FROM clause", lambda name, _: failures.invalid_identifier(name)),
    ("Referenced table", lambda name, _: failures.invalid_identifier(name)),
    ("does not have a column named", lambda name, _: failures.invalid_identifier(name)),
    ("Referenced update column", lambda name, _: failures.invalid_identifier(name.split(" ")[0])),
    ("Ambiguous reference", lambda name, _: failures.compilation("002028", "42601", f"ambiguous column name '{name}'")),
    ("Function with name", _function),
    ("must appear in the GROUP BY", lambda name, _: failures.compilation(
        "000979", "42601", f"'{name}' in select clause is neither an aggregate nor in the group by clause.")),
    ("NOT NULL constraint", lambda *_: failures.Failure("100072", "22000", "NULL result in a non-nullable column")),
    ("Conversion Error", _conversion),
    ("Could not cast", _value("100038", "22018", "Numeric")),
    ("Out of Range", lambda *_: failures.Failure("100046", "22003", "Number out of representable range")),
    ("No function matches", lambda *_: failures.compilation("001044", "42601", "Invalid argument types for function")),
    ("INTERRUPT", lambda *_: failures.cancelled()),
    ("Parser Error", lambda *_: failures.compilation("001003", "42000", "syntax error.")),
)  # fmt: skip
