"""ALTER … RENAME TO of databases, schemas and roles: the name changes, and every privilege and object goes with it.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-schema and its siblings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skipass.sandbox import failures, results
from skipass.sandbox.catalog import Catalog, Role, Schema, User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName, TableName, shown
from skipass.sandbox.results import Result
from skipass.sandbox.session import Session


def concerns(reader: Reader) -> bool:
    """Tell whether the statement that comes renames a database, schema or role."""
    if reader.peek() != "ALTER" or reader.peek(1) not in ("DATABASE", "SCHEMA", "ROLE"):
        return False
    return any(reader.peek(ahead) == "RENAME" for ahead in range(3, 9))


def run(reader: Reader, catalog: Catalog, session: Session) -> Result:
    """Carry out the statement; the role must own the object, and the new name must be free."""
    reader.take("ALTER")
    kind = reader.choose("DATABASE", "SCHEMA", "ROLE")
    lenient = reader.if_exists()
    path = reader.path()
    reader.take("RENAME", "TO")
    new = reader.path()
    reader.finish()
    work = {"DATABASE": _database, "SCHEMA": _schema, "ROLE": _role}[kind or ""]
    try:
        work(catalog, session, path, new)
    except failures.Failure as failure:
        if not (lenient and failure.code == "002003"):
            raise
    return results.status("Statement executed successfully.")


def _database(catalog: Catalog, session: Session, path: list[str], new: list[str]) -> None:
    rights = session.rights(catalog)
    old = catalog.databases.get(path[0])
    if old is None or not rights.sees_database(path[0]):
        raise failures.missing(shown(path[0]), "Database", table=False)
    if not rights.owns(old.owner):
        raise failures.insufficient("database", path[0])
    if new[0] in catalog.databases:
        raise failures.exists(new[0])
    old.name = new[0]
    del catalog.databases[path[0]]
    catalog.databases[new[0]] = old
    for schema in old.schemas.values():
        _carry(schema, SchemaName(new[0], schema.name.schema))
    _privileges(catalog, (path[0],), (new[0],))


def _schema(catalog: Catalog, session: Session, path: list[str], new: list[str]) -> None:
    rights = session.rights(catalog)
    name, target = session.schema_name(path), session.schema_name(new)
    old = catalog.schema(name)
    if old is None or not rights.sees_schema(name):
        raise failures.missing(str(name), "Schema", table=False)
    if not rights.owns(old.owner):
        raise failures.insufficient("schema", name.schema)
    if catalog.schema(target) is not None:
        raise failures.exists(str(target))
    if target.database != name.database:
        raise failures.unsupported("RENAME of a schema into another database")
    database = catalog.databases[name.database]
    del database.schemas[name.schema]
    database.schemas[target.schema] = old
    _carry(old, target)
    _privileges(catalog, (name.database, name.schema), (target.database, target.schema))


def _carry(schema: Schema, name: SchemaName) -> None:
    schema.name = name
    for table in schema.tables.values():
        table.name = TableName(name.database, name.schema, table.name.name)
    for one in schema.objects.values():
        one.name = TableName(name.database, name.schema, one.name.name)


def _privileges(catalog: Catalog, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    end = len(old) + 1

    def moved(on: tuple[str, ...]) -> tuple[str, ...]:
        inside = on[1:end] == old and (len(on) > end or on[0] in ("DATABASE", "SCHEMA"))
        return (on[0], *new, *on[end:]) if inside else on

    catalog.grants = {replace(grant, on=moved(grant.on)): at for grant, at in catalog.grants.items()}
    catalog.future = {
        replace(one, container=moved(("SCHEMA", *one.container))[1:]): at for one, at in catalog.future.items()
    }


def _role(catalog: Catalog, session: Session, path: list[str], new: list[str]) -> None:
    name, target = path[0], new[0]
    role = catalog.roles.get(name)
    if role is None:
        raise failures.missing(shown(name), "Role", table=False)
    if not role.owner or not session.rights(catalog).owns(role.owner):
        raise failures.insufficient("role", name)
    if target in catalog.roles:
        raise failures.exists(target)
    role.name = target
    del catalog.roles[name]
    catalog.roles[target] = role
    holders: list[Role | User] = [*catalog.roles.values(), *catalog.users.values()]
    for holder in holders:
        if name in holder.roles:
            holder.roles.remove(name)
            holder.roles.add(target)
    _role_privileges(catalog, name, target)


def _role_privileges(catalog: Catalog, name: str, target: str) -> None:
    catalog.grants = {
        replace(grant, role=target) if grant.role == name else grant: at for grant, at in catalog.grants.items()
    }
    catalog.future = {replace(one, role=target) if one.role == name else one: at for one, at in catalog.future.items()}
    give_ownership(catalog, name, target)


def give_ownership(catalog: Catalog, name: str, target: str) -> None:
    """Let everything that one role owns belong to another."""
    schemas = [schema for database in catalog.databases.values() for schema in database.schemas.values()]
    owned: list[Any] = [
        *catalog.roles.values(), *catalog.users.values(), *catalog.warehouses.values(), *catalog.databases.values(),
        *schemas, *catalog.tables(), *(one for schema in schemas for one in schema.objects.values()),
    ]  # fmt: skip
    for one in owned:
        if one.owner == name:
            one.owner = target
