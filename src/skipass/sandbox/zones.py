"""Time zone names: which exist, how they are spelled, and which one holds for a user's request.

A request's own parameter comes before its user's, a user's before the account's.
Source: https://docs.snowflake.com/en/sql-reference/parameters#timezone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import duckdb

from skipass.sandbox import failures

UTC = "UTC"


@cache
def _spellings() -> dict[str, str]:
    connection = duckdb.connect(":memory:")
    try:
        rows = connection.execute("SELECT name FROM pg_timezone_names()").fetchall()
    finally:
        connection.close()
    return {str(name).upper(): str(name) for (name,) in rows}


def checked(value: str) -> str:
    """Return a zone's name as it is spelled; 001008 if there is no such zone."""
    found = _spellings().get(value.upper())
    if found is None:
        raise failures.compilation("001008", "22023", f"invalid value [{value}] for parameter 'TIMEZONE'")
    return found


def chosen(*levels: Mapping[str, str]) -> str:
    """Return the zone of the first level that has one."""
    return next((level["TIMEZONE"] for level in levels if level.get("TIMEZONE")), UTC)
