"""The rest of SHOW and DESCRIBE: objects, sequences, stages, kinds that are always empty here, parameters.

Source: https://docs.snowflake.com/en/sql-reference/sql/show-objects and its siblings.
"""

from __future__ import annotations

from collections.abc import Callable

from skipass.sandbox import failures, showroutines
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName, shown
from skipass.sandbox.oauth import parameters as signing
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.showscope import Filter, View, end_filter, limited, read_filter, scope, tables_in_scope

Shower = Callable[[Reader, View, bool], Result]
_TERSE = ("t:created_on", "name", "kind", "database_name", "schema_name")
_PLAIN = ("t:created_on", "name", "database_name", "schema_name", "owner", "comment")


def objects(reader: Reader, view: View, terse: bool) -> Result:
    """Answer SHOW OBJECTS: tables and views together."""
    found = Filter()
    names = (
        "t:created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "n:rows", "n:bytes",
        "owner", "retention_time", "owner_role_type",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for one in tables_in_scope(reader, view, found):
        at = one.name
        if terse:
            listing.add((one.created, at.name, one.kind, at.database, at.schema))
            continue
        rows = view.account.row_count(one)
        head = (one.created, at.name, at.database, at.schema, one.kind, one.comment, one.cluster_by, rows, None)
        listing.add((*head, one.owner, "1", "ROLE"))
    return limited(listing, found)


def sequences(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW SEQUENCES."""
    members, found = showroutines.members(reader, view, "SEQUENCE")
    listing = Listing(_SEQUENCE)
    for one in members:
        listing.add(_sequence(view, one))
    return limited(listing, found)


_SEQUENCE = (
    "name", "database_name", "schema_name", "n:next_value", "n:interval", "t:created_on", "owner", "comment",
    "owner_role_type", "ordered",
)  # fmt: skip


def _sequence(view: View, one: SchemaObject) -> tuple[object, ...]:
    at, step = one.name, one.details["increment"]
    following = view.account.engine.next_value(one.details["physical"])
    return (at.name, at.database, at.schema, following, step, one.created, one.owner, one.comment, "ROLE", "Y")


def describe_sequence(reader: Reader, view: View) -> Result:
    """Answer DESCRIBE SEQUENCE, with the columns of SHOW."""
    name = view.session.table_name(reader.path(), "DESCRIBE SEQUENCE")
    reader.finish()
    listing = Listing(_SEQUENCE)
    listing.add(_sequence(view, view.rights.schema_object(name, "SEQUENCE", "USAGE")))
    return listing.result()


def stages(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW STAGES; every stage is internal and holds nothing."""
    members, found = showroutines.members(reader, view, "STAGE")
    listing = Listing(
        (
            "t:created_on", "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key",
            "owner", "comment", "region", "type", "cloud", "notification_channel", "storage_integration",
        )
    )  # fmt: skip
    for one in members:
        at = one.name
        head = (one.created, at.name, at.database, at.schema, "", "N", "N", one.owner, one.comment)
        listing.add((*head, None, "INTERNAL", None, None, None))
    return limited(listing, found)


def policies(kind: str, reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW MASKING POLICIES and SHOW ROW ACCESS POLICIES."""
    members, found = showroutines.members(reader, view, kind)
    names = (
        "t:created_on",
        "name",
        "database_name",
        "schema_name",
        "kind",
        "owner",
        "comment",
        "owner_role_type",
        "options",
    )
    listing = Listing(names)
    for one in members:
        at = one.name
        label = kind.replace(" ", "_")
        listing.add((one.created, at.name, at.database, at.schema, label, one.owner, one.comment, "ROLE", ""))
    return limited(listing, found)


def nothing(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW of a kind that this account cannot hold: no rows."""
    found = Filter()
    read_filter(reader, found)
    scope(reader, view, ("SCHEMA", "DATABASE"))
    end_filter(reader, found)
    return Listing(_PLAIN).result()


def parameters(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW PARAMETERS: the session's, none of which was changed, or those of what is named about signing in."""
    found = Filter()
    read_filter(reader, found)
    on = _parameters_of(reader, view)
    end_filter(reader, found)
    listing = Listing(("key", "value", "default", "level", "description", "type"))
    values = {
        "AUTOCOMMIT": ("true", "BOOLEAN"),
        "QUERY_TAG": (view.session.tag, "STRING"),
        "STATEMENT_TIMEOUT_IN_SECONDS": ("172800", "NUMBER"),
        "TIMEZONE": (view.session.zone, "STRING"),
        "WEEK_START": ("0", "NUMBER"),
    }
    for key, (value, kind) in values.items():
        if found.passes(key):
            listing.add((key, value, value, "", "", kind))
    for key, value, default, level, kind in signing.listed(view.account, on) if on else ():
        if found.passes(key):
            listing.add((key, value, default, level, "", kind))
    return limited(listing, found)


def _parameters_of(reader: Reader, view: View) -> tuple[str, ...]:
    """Return what SHOW PARAMETERS is about, nothing for the session; only what the role may see."""
    kind = (
        reader.choose("SESSION", "ACCOUNT", "USER", "DATABASE", "SCHEMA") if reader.choose("IN", "FOR") else "SESSION"
    )
    if kind is None:
        raise reader.unexpected()
    if kind in ("SESSION", "ACCOUNT"):
        return (kind,) if kind == "ACCOUNT" else ()
    if kind == "USER":
        name = view.session.user.name if reader.done else reader.identifier()
        user = view.catalog.users.get(name)
        if user is None or not (user is view.session.user or view.rights.administers(user.owner)):
            raise failures.missing(shown(name), "User", table=False)
        return (kind, name)
    path = reader.path()
    schema = view.session.schema_name(path, "SHOW PARAMETERS") if kind == "SCHEMA" else None
    seen = view.rights.sees_schema(schema) if schema else len(path) == 1 and view.rights.sees_database(path[0])
    if not seen:
        raise failures.missing(".".join(map(shown, path)), kind.capitalize(), table=False)
    return (kind, schema.database, schema.schema) if schema else (kind, path[0])


def variables(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW VARIABLES: those set in this request."""
    found = Filter()
    end_filter(reader, found)
    listing = Listing(("session_id", "t:created_on", "t:updated_on", "name", "value", "type", "comment"))
    for name, value in sorted(view.session.variables.items()):
        if found.passes(name):
            listing.add(("0", view.session.now, view.session.now, name, value, "text", ""))
    return limited(listing, found)


def transactions(reader: Reader, _: View, __: bool) -> Result:
    """Answer SHOW TRANSACTIONS: none outlives a request."""
    if reader.accept("IN"):
        reader.take("ACCOUNT")
    reader.finish()
    return Listing(("n:id", "user", "session", "name", "t:started_on", "state", "scope")).result()


def future_grants(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW FUTURE GRANTS IN a database or schema, or TO ROLE."""
    reader.take("GRANTS")
    listing = Listing(("t:created_on", "privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option"))
    role: str | None = None
    container: tuple[str, ...] | None = None
    if reader.accept("TO", "ROLE"):
        role = reader.identifier()
        reader.finish()
    else:
        reader.take("IN")
        container = _container(reader, view)
    for one, at in sorted(view.catalog.future.items(), key=lambda item: (item[0].container, item[0].privilege)):
        if role in (None, one.role) and container in (None, one.container):
            name = ".".join([*map(shown, one.container), f"<{one.kind}>"])
            listing.add((at, one.privilege, one.kind, name, "ROLE", one.role, "false"))
    return listing.result()


def _container(reader: Reader, view: View) -> tuple[str, ...]:
    word = reader.choose("DATABASE", "SCHEMA")
    path = reader.path()
    reader.finish()
    if word == "SCHEMA":
        name = view.session.schema_name(path, "SHOW")
        if not view.rights.sees_schema(name):
            raise failures.not_performed()
        return (name.database, name.schema)
    if not view.rights.sees_database(path[0]):
        raise failures.not_performed()
    return (path[0],)


def describe_schema(reader: Reader, view: View) -> Result:
    """Answer DESCRIBE SCHEMA: its tables and views."""
    name = view.session.schema_name(reader.path(), "DESCRIBE SCHEMA")
    reader.finish()
    schema = view.catalog.schema(name)
    if schema is None or not view.rights.sees_schema(name):
        raise failures.missing(str(name), "Schema", table=False)
    listing = Listing(("t:created_on", "name", "kind"))
    for table in sorted(schema.tables.values(), key=lambda one: one.name):
        if view.rights.sees_table(table):
            listing.add((table.created, table.name.name, table.kind))
    return listing.result()


def describe_database(reader: Reader, view: View) -> Result:
    """Answer DESCRIBE DATABASE: its schemas."""
    name = reader.identifier()
    reader.finish()
    if not view.rights.sees_database(name):
        raise failures.missing(shown(name), "Database", table=False)
    database = view.catalog.databases[name]
    listing = Listing(("t:created_on", "name", "kind"))
    for schema, created in visible_schemas(view, name):
        listing.add((created or database.created, schema, "SCHEMA"))
    return listing.result()


def visible_schemas(view: View, database: str) -> list[tuple[str, object]]:
    """Return name and creation of each schema that the role sees, INFORMATION_SCHEMA among them."""
    schemas = view.catalog.databases[database].schemas
    seen = [(name, one.created) for name, one in schemas.items() if view.rights.sees_schema(SchemaName(database, name))]
    return sorted([*seen, ("INFORMATION_SCHEMA", None)], key=lambda pair: pair[0])


def describe_warehouse(reader: Reader, view: View) -> Result:
    """Answer DESCRIBE WAREHOUSE."""
    name = reader.identifier()
    reader.finish()
    if not view.rights.sees_warehouse(name):
        raise failures.missing(shown(name), "Warehouse", table=False)
    listing = Listing(("t:created_on", "name", "kind"))
    listing.add((view.catalog.warehouses[name].created, name, "WAREHOUSE"))
    return listing.result()


DESCRIBES: dict[str, Callable[[Reader, View], Result]] = {
    "SCHEMA": describe_schema,
    "DATABASE": describe_database,
    "WAREHOUSE": describe_warehouse,
    "SEQUENCE": describe_sequence,
    **showroutines.DESCRIBES,
}
EMPTY = (
    ("TASKS",), ("STREAMS",), ("PIPES",), ("DYNAMIC", "TABLES"),
    ("FILE", "FORMATS"), ("MATERIALIZED", "VIEWS"), ("EXTERNAL", "TABLES"), ("TAGS",),
    ("EXTERNAL", "FUNCTIONS"), ("EVENT", "TABLES"), ("ICEBERG", "TABLES"),
    ("HYBRID", "TABLES"), ("SECRETS",), ("STREAMLITS",), ("NOTEBOOKS",), ("ALERTS",),
)  # fmt: skip
