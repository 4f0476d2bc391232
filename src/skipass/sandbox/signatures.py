"""The signatures of functions and procedures: arguments and types, as CREATE writes them.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-function.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from skipass.sandbox import failures
from skipass.sandbox.grammar import Reader
from skipass.sandbox.sqltypes import spelling


def arguments(reader: Reader) -> list[tuple[str, str]]:
    """Read `(name type, …)` and return the pairs, types as they were written."""
    found: list[tuple[str, str]] = []
    reader.take("(")
    while not reader.accept(")"):
        if found:
            reader.take(",")
        found.append((reader.identifier(), type_name(reader)))
    return found


def type_name(reader: Reader) -> str:
    """Read one type as it was written."""
    text = reader.identifier()
    if text == "TABLE":
        raise failures.unsupported("table function")
    if text == "DOUBLE" and reader.accept("PRECISION"):
        return text
    if reader.accept("("):
        sizes = [str(reader.number())]
        while reader.accept(","):
            sizes.append(str(reader.number()))
        reader.take(")")
        text += f"({', '.join(sizes)})"
    return text


def spelled(text: str) -> str:
    """Return the account's full spelling of a type; 002040 for one that there is not."""
    try:
        return spelling(exp.DataType.build(text, dialect="snowflake"))
    except (SqlglotError, ValueError):
        raise failures.compilation("002040", "42601", f"Unsupported data type '{text}'.") from None
