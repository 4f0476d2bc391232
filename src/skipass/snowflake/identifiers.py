"""SQL identifiers as people write them, and as the SQL API's body fields want them.

Pure. Only what Snowflake's documentation says about case and quotes; names of objects are never looked up here.
"""

from __future__ import annotations

import re

from skipass.snowflake.errors import SnowflakeConfigError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_QUOTED = re.compile(r'"((?:[^"\0]|"")+)"')


def body_field(identifier: str) -> str:
    """Return the stored name of one SQL identifier: upper case, or exactly what stands between double quotes.

    Anything that is neither a plain identifier nor a quoted one is refused as `SnowflakeConfigError`.
    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    if _PLAIN.fullmatch(identifier):
        return identifier.upper()
    if match := _QUOTED.fullmatch(identifier):
        return match[1].replace('""', '"')
    raise SnowflakeConfigError(f"{identifier!r} is not a SQL identifier.", hint='Quote it: "my name".')


def quoted(name: str) -> str:
    """Return the identifier, in double quotes, of an object stored under exactly this name."""
    return '"' + name.replace('"', '""') + '"'
