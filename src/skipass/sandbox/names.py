"""Identifiers and object names as Snowflake reads them: unquoted ones are stored in upper case, quoted ones exactly.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")


@dataclass(frozen=True, slots=True, order=True)
class SchemaName:
    """A schema, by the exact stored names of its database and itself."""

    database: str
    schema: str

    def __str__(self) -> str:
        return f"{shown(self.database)}.{shown(self.schema)}"


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table or view, by the exact stored names of its parts."""

    database: str
    schema: str
    name: str

    @property
    def parent(self) -> SchemaName:
        """The schema that holds it."""
        return SchemaName(self.database, self.schema)

    def __str__(self) -> str:
        return f"{shown(self.database)}.{shown(self.schema)}.{shown(self.name)}"


def shown(name: str) -> str:
    """Return the name as SQL would have to spell it: bare where that means the same, else quoted."""
    return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'


def quoted(name: str) -> str:
    """Return a stored name in quotes, as DuckDB takes it."""
    return '"' + name.replace('"', '""') + '"'


def stored(spelling: str) -> str:
    """Return the stored name of an identifier as written in SQL."""
    if spelling.startswith('"'):
        return spelling[1:-1].replace('""', '"')
    return spelling.upper()
