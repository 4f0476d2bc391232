"""Names and literals as they stand in a script: quoted, and refused where they could hide something."""

from __future__ import annotations

import re

from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.identifiers import body_field, quoted

_PART = r'(?:"(?:[^"\0]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)'
_SCHEMA = re.compile(rf"\s*({_PART})\s*\.\s*({_PART})\s*")
_OBJECT = re.compile(rf"\s*({_PART})\s*\.\s*({_PART})\s*\.\s*({_PART})\s*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def schema_path(text: str) -> tuple[str, str]:
    """Return the stored names of `DB.SCHEMA`, each part plain or quoted, else raise `SnowflakeConfigError`."""
    match = _SCHEMA.fullmatch(text)
    if match is None:
        raise SnowflakeConfigError(
            f"{text!r} is not DB.SCHEMA.", hint='Quote a part that needs it: SALES_DB."my schema".'
        )
    return body_field(match[1]), body_field(match[2])


def object_path(text: str) -> tuple[str, str, str]:
    """Return the stored names of `DB.SCHEMA.NAME`, each part plain or quoted, else raise `SnowflakeConfigError`."""
    match = _OBJECT.fullmatch(text)
    if match is None:
        raise SnowflakeConfigError(
            f"{text!r} is not DB.SCHEMA.NAME.", hint='Quote a part that needs it: SALES_DB.PUBLIC."my server".'
        )
    return body_field(match[1]), body_field(match[2]), body_field(match[3])


def user_identifier(login: str) -> str:
    """Return the SQL identifier of a user: a plain name is folded to upper case, `"…"` and anything else kept as it is.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    try:
        return quoted(body_field(login))
    except SnowflakeConfigError:
        return name(login)


def unquoted(identifier: str) -> str:
    """Return the name, as Snowflake stores it, of a quoted identifier."""
    return identifier[1:-1].replace('""', '"')


def name(stored: str) -> str:
    """Return the quoted identifier of a name as Snowflake stores it."""
    return quoted(printable(stored))


def literal(text: str) -> str:
    """Return a string literal. Source: https://docs.snowflake.com/en/sql-reference/data-types-text"""
    inner = printable(text).replace("\\", "\\\\").replace("'", "''")
    return f"'{inner}'"


def literals(texts: tuple[str, ...]) -> str:
    """Return a list of string literals in parentheses."""
    return f"({', '.join(literal(text) for text in texts)})"


def public_key_literal(public_key: str) -> str:
    """Return the literal of a public key, base 64 DER."""
    if not _BASE64.fullmatch(public_key):
        raise SnowflakeConfigError("The public key is not base 64 text.")
    return f"'{public_key}'"


def printable(text: str) -> str:
    """Names come from people and from the gateway: one that hides something in a script is refused, not quoted."""
    if not text or not text.isprintable():
        raise SnowflakeConfigError(f"{text!r} cannot stand in a script.", hint="Use printable characters only.")
    return text
