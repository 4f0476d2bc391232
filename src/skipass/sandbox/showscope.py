"""What SHOW looks at and how it narrows: visible objects, IN a scope, LIKE, STARTS WITH and LIMIT … FROM."""

from __future__ import annotations

import re
from dataclasses import dataclass

from skipass.sandbox import failures
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import Catalog, Table
from skipass.sandbox.grammar import Reader
from skipass.sandbox.privileges import Rights
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session


@dataclass(frozen=True, slots=True)
class View:
    """What one SHOW looks at."""

    account: Account
    session: Session
    rights: Rights

    @property
    def catalog(self) -> Catalog:
        """The account's catalogue."""
        return self.account.catalog


@dataclass(slots=True)
class Filter:
    """LIKE, STARTS WITH and LIMIT … FROM, applied to names."""

    like: str | None = None
    starts: str | None = None
    limit: int | None = None
    after: str | None = None

    def passes(self, name: str) -> bool:
        """Tell whether a name is shown."""
        if self.like is not None and not re.fullmatch(_pattern(self.like), name, re.IGNORECASE | re.DOTALL):
            return False
        if self.starts is not None and not name.startswith(self.starts):
            return False
        return self.after is None or name > self.after


def _pattern(like: str) -> str:
    return "".join(".*" if char == "%" else "." if char == "_" else re.escape(char) for char in like)


def read_filter(reader: Reader, found: Filter) -> None:
    """Read LIKE, STARTS WITH and LIMIT if they come."""
    if reader.accept("LIKE"):
        found.like = reader.string()
    if reader.accept("STARTS", "WITH"):
        found.starts = reader.string()
    if reader.accept("LIMIT"):
        found.limit = reader.number()
        if reader.accept("FROM"):
            found.after = reader.string()


def end_filter(reader: Reader, found: Filter) -> None:
    """Read the rest of the filter and the end."""
    read_filter(reader, found)
    reader.finish()


def limited(listing: Listing, found: Filter) -> Result:
    """Return the listing cut to the limit."""
    if found.limit is not None:
        del listing.rows[found.limit :]
    return listing.result()


def flag(value: bool) -> str:
    """Return `Y` or `N`."""
    return "Y" if value else "N"


def scope(reader: Reader, view: View, kinds: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return database and schema that IN names; (None, None) is the whole account."""
    if not reader.accept("IN"):
        return view.session.database, view.session.schema if "SCHEMA" in kinds else None
    if reader.accept("ACCOUNT"):
        return None, None
    word = reader.choose("DATABASE", "SCHEMA")
    if reader.done and word is not None:
        database = view.session.current_database("SHOW")
        return database, view.session.schema if word == "SCHEMA" else None
    path = reader.path()
    if word == "SCHEMA" or (word is None and "SCHEMA" in kinds):
        name = view.session.schema_name(path, "SHOW")
        if not view.rights.sees_schema(name):
            raise failures.not_performed()
        return name.database, name.schema
    if not view.rights.sees_database(path[0]):
        raise failures.not_performed()
    return path[0], None


def tables_in_scope(reader: Reader, view: View, found: Filter) -> list[Table]:
    """Read filter and scope and return the visible tables and views they leave."""
    reader.accept("HISTORY")
    read_filter(reader, found)
    database, schema = scope(reader, view, ("SCHEMA", "DATABASE"))
    end_filter(reader, found)
    return [
        table
        for table in view.catalog.tables()
        if view.rights.sees_table(table)
        and database in (None, table.name.database)
        and schema in (None, table.name.schema)
        and found.passes(table.name.name)
    ]
