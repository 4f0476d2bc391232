"""Takes tables, schemas and databases out of the catalogue, in a way that UNDROP can take back.

Values of the catalogue only; rows stay where they are until `undrop` lets go of them.
"""

from __future__ import annotations

from datetime import datetime

from skipass.sandbox.catalog import Catalog, Database, Dropped, Grant, Schema, Table, on_schema, on_table


def drop_table(catalog: Catalog, table: Table, now: datetime) -> dict[Grant, datetime]:
    """Take a table or view out of its schema and return the privileges on it; a table can be brought back."""
    schema = catalog.schema(table.name.parent)
    if schema is not None:
        schema.tables.pop(table.name.name, None)
    grants, future = catalog.forget(on_table(table))
    if table.view is None:
        catalog.gone.append(Dropped(now, table=table, grants=grants, future=future))
    return grants


def drop_schema(catalog: Catalog, schema: Schema, now: datetime) -> None:
    """Take a schema out of its database, with what it holds."""
    del catalog.databases[schema.name.database].schemas[schema.name.schema]
    grants, future = catalog.forget(on_schema(schema.name))
    catalog.gone.append(Dropped(now, schema=schema, grants=grants, future=future))


def drop_database(catalog: Catalog, database: Database, now: datetime) -> None:
    """Take a database out of the account, with what it holds."""
    del catalog.databases[database.name]
    grants, future = catalog.forget(("DATABASE", database.name))
    catalog.gone.append(Dropped(now, database=database, grants=grants, future=future))
