"""Objects in a schema that agents are offered: MCP servers, search services, semantic views, agents.

CREATE, DROP, SHOW and DESCRIBE. There is no ALTER: an object is replaced.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-mcp-server, .../create-cortex-search.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.sandbox import failures, results
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.execution import Execution
from skipass.sandbox.grammar import Reader
from skipass.sandbox.mcp import search, spec
from skipass.sandbox.names import TableName, shown
from skipass.sandbox.privileges import Rights
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session
from skipass.sandbox.showscope import Filter, View, end_filter, limited, read_filter, scope

KINDS = ("MCP SERVER", "CORTEX SEARCH SERVICE", "SEMANTIC VIEW", "AGENT")


def kind_at(reader: Reader, ahead: int) -> str | None:
    """Return the kind whose words come at that distance, or None."""
    return next((kind for kind in KINDS if _spelled(reader, ahead, kind)), None)


def _spelled(reader: Reader, ahead: int, kind: str) -> bool:
    return all(reader.peek(ahead + index) == word for index, word in enumerate(kind.split()))


def on(one: SchemaObject) -> tuple[str, ...]:
    """Return what a grant on this object is about."""
    return (one.kind, one.name.database, one.name.schema, one.name.name)


def found(account: Account, rights: Rights, kind: str, name: TableName, privilege: str | None = None) -> SchemaObject:
    """Return an object that the role sees, and on which it holds the privilege; 002003 for every other."""
    schema = account.catalog.schema(name.parent)
    one = schema.objects.get((kind, name.name)) if schema is not None else None
    if one is None or not rights.uses_schema(name.parent) or not sees(rights, one):
        raise failures.missing(str(name), kind.capitalize(), table=False)
    if privilege is not None and not (rights.owns(one.owner) or privilege in rights.held(on(one))):
        raise failures.missing(str(name), kind.capitalize(), table=False)
    return one


def sees(rights: Rights, one: SchemaObject) -> bool:
    """Tell whether the role owns the object or holds anything on it."""
    return rights.owns(one.owner) or bool(rights.held(on(one)))


def change(reader: Reader, execution: Execution, kind: str, verb: str, *, replace: bool) -> Result:
    """Carry out CREATE or DROP of one kind."""
    if verb == "ALTER":
        raise failures.unsupported(f"ALTER {kind}")
    account, session = execution.account, execution.session
    lenient = reader.if_not_exists() if verb == "CREATE" else reader.if_exists()
    name = session.table_name(reader.path(), f"{verb} {kind}")
    if verb == "DROP":
        reader.finish()
        return _drop(account, session, kind, name, lenient)
    made = _READ[kind](reader, execution, name)
    return keep(account, session, made, replace=replace, lenient=lenient)


def keep(account: Account, session: Session, made: SchemaObject, *, replace: bool, lenient: bool) -> Result:
    """Put a new object into its schema, if the role may and the name is free or replaced."""
    rights = session.rights(account.catalog)
    rights.may_create(made.name.parent, made.kind)
    schema = account.catalog.schema(made.name.parent)
    if schema is None:
        raise failures.missing(str(made.name.parent), "Schema", table=False)
    old = schema.objects.get((made.kind, made.name.name))
    if old is not None and not replace:
        if lenient:
            return results.status(f"{shown(made.name.name)} already exists, statement succeeded.")
        raise failures.exists(str(made.name))
    if old is not None:
        _need_ownership(rights, old)
        account.catalog.forget(on(old))
    schema.objects[(made.kind, made.name.name)] = made
    return results.status(f"{made.kind.capitalize()} {made.name.name} successfully created.")


def _need_ownership(rights: Rights, one: SchemaObject) -> None:
    if not rights.owns(one.owner):
        raise failures.insufficient(one.kind.lower(), one.name.name)


def _drop(account: Account, session: Session, kind: str, name: TableName, lenient: bool) -> Result:
    rights = session.rights(account.catalog)
    try:
        one = found(account, rights, kind, name)
    except failures.Failure:
        if lenient:
            return results.status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise
    _need_ownership(rights, one)
    schema = account.catalog.schema(name.parent)
    if schema is not None:
        del schema.objects[(kind, name.name)]
    account.catalog.forget(on(one))
    return results.status(f"{name.name} successfully dropped.")


def _server(reader: Reader, execution: Execution, name: TableName) -> SchemaObject:
    comment, text = _specification(reader)
    spec.tools(text)
    session = execution.session
    return SchemaObject("MCP SERVER", name, session.now, session.role, text, comment)


def _agent(reader: Reader, execution: Execution, name: TableName) -> SchemaObject:
    comment, text = _specification(reader)
    spec.document(text)
    session = execution.session
    return SchemaObject("AGENT", name, session.now, session.role, text, comment)


def _specification(reader: Reader) -> tuple[str, str]:
    comment = ""
    if reader.accept("COMMENT"):
        reader.take("=")
        comment = reader.string()
    reader.take("FROM", "SPECIFICATION")
    text = reader.string()
    reader.finish()
    return comment, text


def _semantic(reader: Reader, _: Execution, __: TableName) -> SchemaObject:
    raise failures.unsupported("CREATE SEMANTIC VIEW; use SYSTEM$CREATE_SEMANTIC_VIEW_FROM_YAML")


_READ: dict[str, Callable[[Reader, Execution, TableName], SchemaObject]] = {
    "MCP SERVER": _server,
    "AGENT": _agent,
    "CORTEX SEARCH SERVICE": search.create,
    "SEMANTIC VIEW": _semantic,
}


def lister(kind: str) -> Callable[[Reader, Account, Session], Result]:
    """Return the SHOW of one kind."""

    def show(reader: Reader, account: Account, session: Session) -> Result:
        view, names = View(account, session, session.rights(account.catalog)), Filter()
        read_filter(reader, names)
        database, schema = scope(reader, view, ("SCHEMA", "DATABASE"))
        end_filter(reader, names)
        listing = Listing(("t:created_on", "name", "database_name", "schema_name", "owner", "comment"))
        for one in _all(account, kind):
            at = one.name
            inside = database in (None, at.database) and schema in (None, at.schema)
            visible = view.rights.uses_schema(at.parent) and sees(view.rights, one)
            if inside and visible and names.passes(at.name):
                listing.add((one.created, at.name, at.database, at.schema, one.owner, one.comment))
        return limited(listing, names)

    return show


def _all(account: Account, kind: str) -> list[SchemaObject]:
    schemas = [schema for database in account.catalog.databases.values() for schema in database.schemas.values()]
    chosen = [one for schema in schemas for one in schema.objects.values() if one.kind == kind]
    return sorted(chosen, key=lambda one: one.name)


def describe(reader: Reader, account: Account, session: Session, kind: str) -> Result:
    """Answer DESCRIBE of one object; a server's specification comes back as JSON."""
    name = session.table_name(reader.path(), f"DESCRIBE {kind}")
    reader.finish()
    one = found(account, session.rights(account.catalog), kind, name)
    column = "server_spec" if kind == "MCP SERVER" else "specification"
    text = spec.shown(one.text) if kind == "MCP SERVER" else one.text
    listing = Listing(("name", "database_name", "schema_name", "owner", "comment", column, "t:created_on"))
    listing.add((name.name, name.database, name.schema, one.owner, one.comment, text, one.created))
    return listing.result()
