"""What an account holds: users, roles, warehouses, databases, schemas, tables, views, and who was granted what.

Plain state and its look-ups. Who may do what is decided in `privileges`; rows live in the engine under each
table's `physical` name, which is never reused. DuckDB does not see keys: they are kept here, unenforced, as there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from skipass.sandbox.columns import Column, Constraint, Version
from skipass.sandbox.names import SchemaName, TableName

SYSTEM_ROLES = ("ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC")


@dataclass(slots=True)
class User:
    """A login. Keys are the base64 bodies of DER public keys."""

    name: str
    login_name: str
    created: datetime
    owner: str = "ACCOUNTADMIN"
    disabled: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    roles: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Role:
    """A role; `roles` are those granted to it, whose privileges it inherits."""

    name: str
    created: datetime
    owner: str = "USERADMIN"
    comment: str = ""
    roles: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Warehouse:
    """A warehouse: a name, a state and options; it computes nothing."""

    name: str
    created: datetime
    owner: str
    suspended: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """A table or, with `view`, the text of a view whose reads are checked against its owner's rights.

    `versions` are its rows of earlier times, oldest first; what it held before `kept_from` was given up.
    """

    name: TableName
    created: datetime
    owner: str
    columns: list[Column]
    physical: str
    view: str | None = None
    comment: str = ""
    constraints: list[Constraint] = field(default_factory=list)
    transient: bool = False
    temporary: bool = False
    secure: bool = False
    cluster_by: str = ""
    retention_days: int = 1
    versions: tuple[Version, ...] = ()
    kept_from: datetime | None = None
    masks: dict[str, TableName] = field(default_factory=dict)
    row_policy: tuple[TableName, tuple[str, ...]] | None = None

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key, none if there is no key."""
        return next((one.columns for one in self.constraints if one.kind == "PRIMARY KEY"), ())

    @property
    def kind(self) -> str:
        """`TABLE` or `VIEW`."""
        return "TABLE" if self.view is None else "VIEW"


@dataclass(slots=True)
class SchemaObject:
    """What agents are offered from a schema, by `kind` (`MCP SERVER`, `AGENT` …); `text` is its specification."""

    kind: str
    name: TableName
    created: datetime
    owner: str
    text: str
    comment: str = ""
    details: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Schema:
    """A schema and its tables and views by stored name; `objects` by kind and name."""

    name: SchemaName
    created: datetime
    owner: str
    comment: str = ""
    tables: dict[str, Table] = field(default_factory=dict)
    objects: dict[tuple[str, str], SchemaObject] = field(default_factory=dict)


@dataclass(slots=True)
class Database:
    """A database and its schemas by stored name; `imported` marks shared sample data."""

    name: str
    created: datetime
    owner: str
    comment: str = ""
    imported: bool = False
    schemas: dict[str, Schema] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege on one object for one role. `on` is (kind, stored name parts); ACCOUNT has no parts."""

    privilege: str
    on: tuple[str, ...]
    role: str
    option: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class FutureGrant:
    """A privilege that every later object of `kind` inside `container` (database or database and schema) gets."""

    privilege: str
    kind: str
    container: tuple[str, ...]
    role: str


@dataclass(slots=True)
class Dropped:
    """One table, schema or database that UNDROP may bring back, with the privileges that went with it."""

    at: datetime
    table: Table | None = None
    schema: Schema | None = None
    database: Database | None = None
    grants: dict[Grant, datetime] = field(default_factory=dict)
    future: dict[FutureGrant, datetime] = field(default_factory=dict)

    def tables(self) -> list[Table]:
        """Return every table and view in it."""
        schemas = [self.schema] if self.schema else list(self.database.schemas.values()) if self.database else []
        inner = [table for schema in schemas for table in schema.tables.values()]
        return [self.table, *inner] if self.table else inner


@dataclass(slots=True)
class Catalog:
    """Everything that SQL can create, by stored name."""

    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    warehouses: dict[str, Warehouse] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    grants: dict[Grant, datetime] = field(default_factory=dict)
    future: dict[FutureGrant, datetime] = field(default_factory=dict)
    gone: list[Dropped] = field(default_factory=list)
    serial: int = 0

    def schema(self, name: SchemaName) -> Schema | None:
        """Return the schema of that name, or None."""
        database = self.databases.get(name.database)
        return database.schemas.get(name.schema) if database else None

    def table(self, name: TableName) -> Table | None:
        """Return the table or view of that name, or None."""
        schema = self.schema(name.parent)
        return schema.tables.get(name.name) if schema else None

    def tables(self) -> list[Table]:
        """Return every table and view of the account, in order of name."""
        # Copied at each level: a writer asks while others create and drop.
        schemas = [one for database in list(self.databases.values()) for one in list(database.schemas.values())]
        return sorted((one for schema in schemas for one in list(schema.tables.values())), key=lambda one: one.name)

    def login(self, login_name: str) -> User | None:
        """Return the user who signs in under that name; login names are compared without case."""
        wanted = login_name.upper()
        return next((user for user in list(self.users.values()) if user.login_name.upper() == wanted), None)

    def next_physical(self) -> str:
        """Return a name for rows that no table had before."""
        self.serial += 1
        return f"t{self.serial}"

    def forget(self, on: tuple[str, ...]) -> tuple[dict[Grant, datetime], dict[FutureGrant, datetime]]:
        """Drop every privilege on an object and on what it holds, and return what was dropped."""
        grants = {grant: at for grant, at in self.grants.items() if _within(grant.on, on)}
        self.grants = {grant: at for grant, at in self.grants.items() if grant not in grants}
        future = {one: at for one, at in self.future.items() if _inside(one.container, on)}
        self.future = {one: at for one, at in self.future.items() if one not in future}
        return grants, future

    def move(self, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        """Carry the privileges on one object over to its new name."""
        moved: dict[Grant, datetime] = {}
        for grant, at in self.grants.items():
            target = Grant(grant.privilege, new, grant.role, grant.option, grant.by) if grant.on == old else grant
            moved[target] = at
        self.grants = moved


def _within(on: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Only what lies in a schema or database has more name parts than it."""
    if on == outer:
        return True
    return outer[0] in ("DATABASE", "SCHEMA") and len(on) > len(outer) and on[1 : len(outer)] == outer[1:]


def _inside(container: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    return outer[0] in ("DATABASE", "SCHEMA") and container[: len(outer) - 1] == outer[1:]


def on_table(table: Table) -> tuple[str, ...]:
    """Return what a grant on this table or view is about."""
    return (table.kind, table.name.database, table.name.schema, table.name.name)


def referenced(key: Constraint, target: Table) -> str:
    """Return the name of the key that a foreign key points at."""
    for one in target.constraints:
        if one.kind != "FOREIGN KEY" and one.columns == key.target_columns:
            return one.name
    return ""


def on_object(one: SchemaObject) -> tuple[str, ...]:
    """Return what a grant on this sequence, stage, function or the like is about."""
    return (one.kind, one.name.database, one.name.schema, one.name.name)


def on_schema(name: SchemaName) -> tuple[str, ...]:
    """Return what a grant on this schema is about."""
    return ("SCHEMA", name.database, name.schema)


def new_catalog(now: datetime) -> Catalog:
    """Return a catalogue with the system roles, as every account has them, and nothing else.

    Source: https://docs.snowflake.com/en/user-guide/security-access-control-overview.
    """
    catalog = Catalog()
    for name in SYSTEM_ROLES:
        catalog.roles[name] = Role(name, now, owner="")
    catalog.roles["ACCOUNTADMIN"].roles |= {"SECURITYADMIN", "SYSADMIN"}
    catalog.roles["SECURITYADMIN"].roles.add("USERADMIN")
    account = ("ACCOUNT",)
    for role, privilege in (
        ("USERADMIN", "CREATE USER"),
        ("USERADMIN", "CREATE ROLE"),
        ("SECURITYADMIN", "MANAGE GRANTS"),
        ("SYSADMIN", "CREATE WAREHOUSE"),
        ("SYSADMIN", "CREATE DATABASE"),
        ("ACCOUNTADMIN", "MONITOR EXECUTION"),
    ):
        catalog.grants[Grant(privilege, account, role, by="")] = now
    return catalog
