"""GRANT and REVOKE: roles to users and roles; privileges on objects, on all of a kind, on future ones.

Source: https://docs.snowflake.com/en/sql-reference/sql/grant-privilege and .../grant-role.
"""

from __future__ import annotations

from dataclasses import dataclass

from skipass.sandbox import failures, results
from skipass.sandbox.catalog import Catalog, FutureGrant, Grant, SchemaObject, on_object, on_schema, on_table
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.privileges import TABLE_PRIVILEGES, Rights
from skipass.sandbox.session import Session

_ALL = {
    "TABLE": frozenset(TABLE_PRIVILEGES),
    "VIEW": frozenset({"SELECT", "REFERENCES"}),
    "FUNCTION": frozenset({"USAGE"}),
    "PROCEDURE": frozenset({"USAGE"}),
    "SEQUENCE": frozenset({"USAGE"}),
    "STAGE": frozenset({"READ", "WRITE", "USAGE"}),
    "WAREHOUSE": frozenset({"USAGE", "OPERATE", "MODIFY", "MONITOR"}),
    "DATABASE": frozenset({"USAGE", "CREATE SCHEMA", "MODIFY", "MONITOR"}),
    "SCHEMA": frozenset(
        {
            "USAGE",
            "CREATE TABLE",
            "CREATE VIEW",
            "CREATE SEQUENCE",
            "CREATE STAGE",
            "CREATE FUNCTION",
            "CREATE PROCEDURE",
            "CREATE MCP SERVER",
            "CREATE CORTEX SEARCH SERVICE",
            "CREATE SEMANTIC VIEW",
            "CREATE AGENT",
            "MODIFY",
            "MONITOR",
        }
    ),
    "ACCOUNT": frozenset(
        {
            "CREATE USER",
            "CREATE ROLE",
            "CREATE WAREHOUSE",
            "CREATE DATABASE",
            "CREATE INTEGRATION",
            "CREATE NETWORK POLICY",
            "MANAGE GRANTS",
            "MONITOR EXECUTION",
            "MONITOR",
        }
    ),
}
_KNOWN = {kind: names | {"OWNERSHIP"} for kind, names in _ALL.items()}
_KNOWN["DATABASE"] |= {"IMPORTED PRIVILEGES"}
_PLURALS = {
    "TABLES": "TABLE", "VIEWS": "VIEW", "SCHEMAS": "SCHEMA", "FUNCTIONS": "FUNCTION", "SEQUENCES": "SEQUENCE",
    "STAGES": "STAGE", "PROCEDURES": "PROCEDURE",
}  # fmt: skip
_MEMBERS = ("FUNCTION", "PROCEDURE", "SEQUENCE", "STAGE")


@dataclass(frozen=True, slots=True)
class _Target:
    """What a statement is about: objects that exist, or (with `future`) a kind inside a container."""

    kind: str
    objects: tuple[tuple[str, ...], ...] = ()
    future: tuple[str, ...] | None = None


def run(reader: Reader, catalog: Catalog, session: Session) -> results.Result:
    """Read and carry out one GRANT or REVOKE."""
    revoke = reader.choose("GRANT", "REVOKE") == "REVOKE"
    keep = revoke and reader.accept("GRANT", "OPTION", "FOR")
    if reader.peek() == "ROLE":
        return _roles(reader, catalog, session, revoke)
    names = _privileges(reader)
    reader.take("ON")
    target = _target(reader, catalog, session)
    reader.take("FROM" if revoke else "TO")
    reader.accept("ROLE")
    role = reader.identifier()
    option = reader.accept("WITH", "GRANT", "OPTION")
    reader.choose("CASCADE", "RESTRICT")
    for words in (("REVOKE", "CURRENT", "GRANTS"), ("COPY", "CURRENT", "GRANTS")):
        reader.accept(*words)
    reader.finish()
    if role not in catalog.roles:
        raise failures.missing(shown(role), "Role", table=False)
    _apply(catalog, session, names, target, role, revoke=revoke and not keep, option=option)
    if keep:
        _without_option(catalog, target, role)
    return results.status("Statement executed successfully.")


def _without_option(catalog: Catalog, target: _Target, role: str) -> None:
    """The privilege stays; the right to hand it on goes."""
    catalog.grants = {
        grant: at
        for grant, at in catalog.grants.items()
        if not (grant.option and grant.role == role and grant.on in target.objects)
    }


def _roles(reader: Reader, catalog: Catalog, session: Session, revoke: bool) -> results.Result:
    reader.take("ROLE")
    role = reader.identifier()
    reader.take("FROM" if revoke else "TO")
    kind = reader.choose("USER", "ROLE")
    if kind is None:
        raise reader.unexpected()
    name = reader.identifier()
    reader.finish()
    holder = (catalog.users if kind == "USER" else catalog.roles).get(name)
    if role not in catalog.roles or holder is None:
        missing, label = (role, "Role") if role not in catalog.roles else (name, kind.capitalize())
        raise failures.missing(shown(missing), label, table=False)
    if not session.rights(catalog).administers(catalog.roles[role].owner):
        raise failures.insufficient("role", role)
    if revoke:
        holder.roles.discard(role)
    else:
        _no_cycle(catalog, role, name if kind == "ROLE" else None)
        holder.roles.add(role)
    return results.status("Statement executed successfully.")


def _no_cycle(catalog: Catalog, role: str, holder: str | None) -> None:
    if holder is not None and holder in Rights(catalog, role).roles and holder != "PUBLIC":
        raise failures.compilation("003013", "42501", f"Grant of role {role} to {holder} would create a cycle.")


def _privileges(reader: Reader) -> list[str]:
    if reader.accept("ALL"):
        reader.accept("PRIVILEGES")
        return ["ALL"]
    names: list[str] = []
    words: list[str] = []
    while reader.peek() != "ON":
        if reader.accept(","):
            names.append(" ".join(words))
            words = []
        else:
            words.append(reader.identifier())
    return [*names, " ".join(words)]


def _target(reader: Reader, catalog: Catalog, session: Session) -> _Target:
    if reader.accept("ACCOUNT"):
        return _Target("ACCOUNT", (("ACCOUNT",),))
    scope = reader.choose("ALL", "FUTURE")
    if scope is not None:
        return _many(reader, catalog, session, scope == "FUTURE")
    kind = reader.choose("TABLE", "VIEW", "WAREHOUSE", "DATABASE", "SCHEMA", *_MEMBERS)
    if kind is None:
        raise failures.unsupported(f"GRANT ON {reader.peek()}")
    path = reader.path()
    if kind in ("FUNCTION", "PROCEDURE") and reader.accept("("):
        while not reader.accept(")"):
            reader.token()
    return _Target(kind, (_one(catalog, session, kind, path),))


def _one(catalog: Catalog, session: Session, kind: str, path: list[str]) -> tuple[str, ...]:
    rights = session.rights(catalog)
    manages = rights.on_account("MANAGE GRANTS")
    if kind == "SCHEMA":
        name = session.schema_name(path, "GRANT")
        if catalog.schema(name) is not None and (manages or rights.sees_schema(name)):
            return on_schema(name)
    elif kind in ("TABLE", "VIEW"):
        table = catalog.table(session.table_name(path, "GRANT"))
        if table is not None and table.kind == kind and (manages or rights.sees_table(table)):
            return on_table(table)
    elif kind in _MEMBERS:
        one = _member(catalog, session.table_name(path, "GRANT"), kind)
        if one is not None and (manages or rights.sees_object(one)):
            return on_object(one)
    else:
        known = catalog.warehouses if kind == "WAREHOUSE" else catalog.databases
        sees = rights.sees_warehouse if kind == "WAREHOUSE" else rights.sees_database
        if len(path) == 1 and path[0] in known and (manages or sees(path[0])):
            return (kind, path[0])
    raise failures.missing(".".join(map(shown, path)), kind.capitalize(), table=kind in ("TABLE", "VIEW"))


def _member(catalog: Catalog, name: TableName, kind: str) -> SchemaObject | None:
    schema = catalog.schema(name.parent)
    return schema.objects.get((kind, name.name)) if schema is not None else None


def _many(reader: Reader, catalog: Catalog, session: Session, future: bool) -> _Target:
    plural = reader.choose(*_PLURALS)
    if plural is None:
        raise failures.unsupported(f"GRANT ON ALL {reader.peek()}")
    kind = _PLURALS[plural]
    reader.take("IN")
    container = reader.choose("SCHEMA", "DATABASE")
    if container is None or (kind == "SCHEMA" and container == "SCHEMA"):
        raise reader.unexpected()
    inside = _one(catalog, session, container, reader.path())[1:]
    if future:
        return _Target(kind, future=inside)
    return _Target(kind, tuple(_inside(catalog, kind, inside)))


def _inside(catalog: Catalog, kind: str, container: tuple[str, ...]) -> list[tuple[str, ...]]:
    if kind == "SCHEMA":
        schemas = catalog.databases[container[0]].schemas.values()
        return [on_schema(schema.name) for schema in schemas]
    depth = len(container)
    if kind in _MEMBERS:
        schemas = catalog.databases[container[0]].schemas.values()
        members = [on_object(one) for schema in schemas for one in schema.objects.values() if one.kind == kind]
        return [on for on in members if on[1 : depth + 1] == container]
    found = [on_table(table) for table in catalog.tables() if table.kind == kind]
    return [on for on in found if on[1 : depth + 1] == container]


def _apply(
    catalog: Catalog, session: Session, names: list[str], target: _Target, role: str, *, revoke: bool, option: bool
) -> None:
    wanted = sorted(_ALL[target.kind]) if names == ["ALL"] else names
    for name in wanted:
        if name not in _KNOWN[target.kind]:
            raise failures.compilation("001003", "42000", f"syntax error unexpected '{name}'.")
    if target.future is not None:
        _future(catalog, session, wanted, target, role, revoke=revoke)
    for on in target.objects:
        _may_grant(catalog, session, on)
        for name in wanted:
            _one_grant(catalog, session, Grant(name, on, role, option, session.role), revoke)


def _future(catalog: Catalog, session: Session, names: list[str], target: _Target, role: str, *, revoke: bool) -> None:
    container = target.future or ()
    _may_grant(catalog, session, ("DATABASE" if len(container) == 1 else "SCHEMA", *container))
    for name in names:
        grant = FutureGrant(name, target.kind, container, role)
        if revoke:
            catalog.future.pop(grant, None)
        else:
            catalog.future[grant] = session.now


def _may_grant(catalog: Catalog, session: Session, on: tuple[str, ...]) -> None:
    rights = session.rights(catalog)
    if not rights.administers(owner_of(catalog, on)):
        raise failures.insufficient(on[0].lower(), on[-1])


def owner_of(catalog: Catalog, on: tuple[str, ...]) -> str:
    """Return the role that owns what a grant is on; the account belongs to ACCOUNTADMIN."""
    kind, path = on[0], on[1:]
    if kind == "WAREHOUSE":
        return catalog.warehouses[path[0]].owner
    if kind == "DATABASE":
        return catalog.databases[path[0]].owner
    if kind == "SCHEMA":
        return catalog.databases[path[0]].schemas[path[1]].owner
    if kind in ("TABLE", "VIEW"):
        table = catalog.table(TableName(path[0], path[1], path[2]))
        return table.owner if table else ""
    if kind in _MEMBERS:
        one = _member(catalog, TableName(path[0], path[1], path[2]), kind)
        return one.owner if one else ""
    return "ACCOUNTADMIN"


def _one_grant(catalog: Catalog, session: Session, grant: Grant, revoke: bool) -> None:
    if grant.privilege == "IMPORTED PRIVILEGES":
        _imported(catalog, session, grant, revoke)
    elif grant.privilege == "OWNERSHIP" and not revoke:
        _give(catalog, grant)
    elif revoke:
        same = (grant.privilege, grant.on, grant.role)
        catalog.grants = {g: at for g, at in catalog.grants.items() if (g.privilege, g.on, g.role) != same}
    else:
        catalog.grants[grant] = session.now


def _give(catalog: Catalog, grant: Grant) -> None:
    path = grant.on[1:]
    if grant.on[0] == "WAREHOUSE":
        catalog.warehouses[path[0]].owner = grant.role
    elif grant.on[0] == "DATABASE":
        catalog.databases[path[0]].owner = grant.role
    elif grant.on[0] == "SCHEMA":
        catalog.databases[path[0]].schemas[path[1]].owner = grant.role
    elif grant.on[0] in _MEMBERS:
        catalog.databases[path[0]].schemas[path[1]].objects[(grant.on[0], path[2])].owner = grant.role
    else:
        catalog.databases[path[0]].schemas[path[1]].tables[path[2]].owner = grant.role


def _imported(catalog: Catalog, session: Session, grant: Grant, revoke: bool) -> None:
    database = catalog.databases[grant.on[1]]
    if not database.imported:
        raise failures.compilation("003001", "42501", "IMPORTED PRIVILEGES are for imported databases only.")
    targets: list[tuple[str, tuple[str, ...]]] = [("USAGE", ("DATABASE", database.name))]
    targets += [("USAGE", on_schema(schema.name)) for schema in database.schemas.values()]
    targets += [("SELECT", on) for kind in ("TABLE", "VIEW") for on in _inside(catalog, kind, (database.name,))]
    for privilege, on in targets:
        _one_grant(catalog, session, Grant(privilege, on, grant.role, by=grant.by), revoke)
