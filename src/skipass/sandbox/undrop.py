"""UNDROP of tables, schemas and databases, with their privileges; and the end of what nobody brought back.

Dropped objects are bounded in number and age; the oldest go for good.
Source: https://docs.snowflake.com/en/sql-reference/sql/undrop-table and its siblings.
"""

from __future__ import annotations

from datetime import timedelta

from skipass.sandbox import failures, results
from skipass.sandbox.catalog import Dropped, Table
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import shown
from skipass.sandbox.results import Result
from skipass.sandbox.versions import stored_names

MAX_DROPPED = 50
_LIFE = timedelta(days=1)


def purge(execution: Execution) -> None:
    """Let go of dropped objects beyond the bounds, with their rows."""
    catalog, now = execution.account.catalog, execution.account.now()
    surplus = len(catalog.gone) - MAX_DROPPED
    for one in [one for index, one in enumerate(catalog.gone) if index < surplus or one.at < now - _life(one)]:
        catalog.gone = [other for other in catalog.gone if other is not one]
        discard(execution, one.tables())


def discard(execution: Execution, tables: list[Table]) -> None:
    """Drop the rows of tables for good, those of earlier times included."""
    for name in [name for table in tables for name in stored_names(table)]:
        execution.run.execute(f'DROP TABLE IF EXISTS "{name}"')


def _life(one: Dropped) -> timedelta:
    return timedelta(days=one.table.retention_days) if one.table is not None else _LIFE


def run(execution: Execution, reader: Reader) -> Result:
    """Bring back what was dropped last under a name, if the name is free and the role owned it."""
    reader.take("UNDROP")
    kind = reader.choose("TABLE", "SCHEMA", "DATABASE")
    if kind is None:
        raise failures.unsupported(f"UNDROP {reader.peek()}")
    path = reader.path()
    reader.finish()
    shown_name, one = _RESTORE[kind](execution, path)
    catalog = execution.account.catalog
    catalog.gone = [other for other in catalog.gone if other is not one]
    catalog.grants |= one.grants
    catalog.future |= one.future
    return results.status(f"{kind.capitalize()} {shown_name} successfully restored.")


def _last(execution: Execution, kind: str, name: str, found: list[tuple[Dropped, str]]) -> Dropped:
    """Return the newest of what was found that is young enough and was the role's own; 002003 if there is none."""
    rights, now = execution.rights(), execution.account.now()
    for one, owner in reversed(found):
        if rights.owns(owner) and one.at >= now - _life(one):
            return one
    raise failures.missing(name, kind, table=kind == "Table")


def _table(execution: Execution, path: list[str]) -> tuple[str, Dropped]:
    name = execution.session.table_name(path, "UNDROP")
    catalog = execution.account.catalog
    found = [(one, one.table.owner) for one in catalog.gone if one.table is not None and one.table.name == name]
    one = _last(execution, "Table", str(name), found)
    if catalog.table(name) is not None:
        raise failures.exists(str(name))
    execution.rights().may_create(name.parent, "TABLE")
    schema = catalog.schema(name.parent)
    if schema is not None and one.table is not None:
        schema.tables[name.name] = one.table
    return name.name, one


def _schema(execution: Execution, path: list[str]) -> tuple[str, Dropped]:
    name = execution.session.schema_name(path, "UNDROP")
    catalog, rights = execution.account.catalog, execution.rights()
    found = [(one, one.schema.owner) for one in catalog.gone if one.schema is not None and one.schema.name == name]
    one = _last(execution, "Schema", str(name), found)
    if catalog.schema(name) is not None:
        raise failures.exists(str(name))
    rights.may_create_schema(name.database)
    if one.schema is not None:
        catalog.databases[name.database].schemas[name.schema] = one.schema
    return name.schema, one


def _database(execution: Execution, path: list[str]) -> tuple[str, Dropped]:
    catalog = execution.account.catalog
    found = [
        (one, one.database.owner) for one in catalog.gone if one.database is not None and one.database.name == path[0]
    ]
    one = _last(execution, "Database", shown(path[0]), found)
    if path[0] in catalog.databases:
        raise failures.exists(path[0])
    if not execution.rights().on_account("CREATE DATABASE"):
        raise failures.insufficient("account", "ACCOUNT")
    if one.database is not None:
        catalog.databases[path[0]] = one.database
    return path[0], one


_RESTORE = {"TABLE": _table, "SCHEMA": _schema, "DATABASE": _database}
