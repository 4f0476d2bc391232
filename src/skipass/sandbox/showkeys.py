"""SHOW PRIMARY, UNIQUE, IMPORTED and EXPORTED KEYS: one row for each column of a key.

Source: https://docs.snowflake.com/en/sql-reference/sql/show-primary-keys.
"""

from __future__ import annotations

from skipass.sandbox import failures
from skipass.sandbox.catalog import Table, referenced
from skipass.sandbox.columns import Constraint
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import TableName
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.showscope import Filter, View, end_filter, limited, scope

_OWN = (
    "t:created_on", "database_name", "schema_name", "table_name", "column_name", "n:key_sequence", "comment",
    "constraint_name",
)  # fmt: skip
_FOREIGN = (
    "t:created_on", "pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name", "fk_database_name",
    "fk_schema_name", "fk_table_name", "fk_column_name", "n:key_sequence", "update_rule", "delete_rule", "fk_name",
    "pk_name", "deferrability", "rely", "comment",
)  # fmt: skip


def primary(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW PRIMARY KEYS."""
    return _own(reader, view, "PRIMARY KEY")


def unique(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW UNIQUE KEYS."""
    return _own(reader, view, "UNIQUE")


def imported(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW IMPORTED KEYS: the foreign keys of the tables in scope."""
    tables, found = _scoped(reader, view)
    listing = Listing(_FOREIGN)
    for table in tables:
        _list_foreign(view, listing, table, None)
    return limited(listing, found)


def exported(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW EXPORTED KEYS: the foreign keys that point at the tables in scope."""
    tables, found = _scoped(reader, view)
    wanted = {table.name for table in tables}
    listing = Listing(_FOREIGN)
    for table in view.catalog.tables():
        if view.rights.sees_table(table):
            _list_foreign(view, listing, table, wanted)
    return limited(listing, found)


def _own(reader: Reader, view: View, kind: str) -> Result:
    tables, found = _scoped(reader, view)
    listing = Listing(_OWN)
    for table in tables:
        at = table.name
        for key in table.constraints:
            for index, column in enumerate(key.columns if key.kind == kind else (), 1):
                listing.add((table.created, at.database, at.schema, at.name, column, index, None, key.name))
    return limited(listing, found)


def _list_foreign(view: View, listing: Listing, table: Table, targets: set[TableName] | None) -> None:
    for key in table.constraints:
        if key.target is None or (targets is not None and key.target not in targets):
            continue
        target = view.catalog.table(key.target)
        if target is not None and view.rights.sees_table(target):
            _foreign_rows(listing, table, key, target)


def _foreign_rows(listing: Listing, table: Table, key: Constraint, target: Table) -> None:
    there, here = target.name, table.name
    pairs = zip(key.columns, key.target_columns, strict=True)
    for index, (column, target_column) in enumerate(pairs, 1):
        head = (table.created, there.database, there.schema, there.name, target_column)
        middle = (here.database, here.schema, here.name, column, index, "NO ACTION", "NO ACTION", key.name)
        listing.add((*head, *middle, referenced(key, target), "NOT DEFERRABLE", "false", None))


def _scoped(reader: Reader, view: View) -> tuple[list[Table], Filter]:
    found = Filter()
    visible = [table for table in view.catalog.tables() if view.rights.sees_table(table) and table.view is None]
    if reader.peek() == "IN" and reader.peek(1) not in ("ACCOUNT", "DATABASE", "SCHEMA"):
        reader.take("IN")
        reader.accept("TABLE")
        name = view.session.table_name(reader.path(), "SHOW PRIMARY KEYS")
        chosen = [table for table in visible if table.name == name]
        if not chosen:
            raise failures.missing(str(name), "Table")
        end_filter(reader, found)
        return chosen, found
    database, schema = scope(reader, view, ("SCHEMA", "DATABASE"))
    end_filter(reader, found)
    inside = [
        table for table in visible if database in (None, table.name.database) and schema in (None, table.name.schema)
    ]
    return inside, found
