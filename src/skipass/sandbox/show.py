"""SHOW and DESCRIBE, over what the role can see, in the columns that the vendor documents.

Source: https://docs.snowflake.com/en/sql-reference/sql/show and .../sql/desc.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from skipass.sandbox import failures, types
from skipass.sandbox.account import Account
from skipass.sandbox.accounts import KEYS, fingerprint
from skipass.sandbox.catalog import Catalog, Table, User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.grants import owner_of
from skipass.sandbox.names import SchemaName, shown
from skipass.sandbox.privileges import Rights
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session

_TERSE = ("t:created_on", "name", "kind", "database_name", "schema_name")
_SIZES = {"XSMALL": "X-Small", "X-SMALL": "X-Small", "SMALL": "Small", "MEDIUM": "Medium", "LARGE": "Large"}


@dataclass(frozen=True, slots=True)
class _View:
    """What one SHOW looks at."""

    account: Account
    session: Session
    rights: Rights

    @property
    def catalog(self) -> Catalog:
        return self.account.catalog


@dataclass(slots=True)
class _Filter:
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


def run(reader: Reader, account: Account, session: Session) -> Result:
    """Read and answer one SHOW or DESCRIBE."""
    view = _View(account, session, session.rights(account.catalog))
    if reader.choose("DESC", "DESCRIBE"):
        return _describe(reader, view)
    reader.take("SHOW")
    terse = reader.accept("TERSE")
    kind = reader.peek()
    if kind not in _SHOWS:
        raise failures.unsupported(f"SHOW {kind}")
    reader.token()
    return _SHOWS[kind](reader, view, terse)


def _filter(reader: Reader, found: _Filter) -> None:
    if reader.accept("LIKE"):
        found.like = reader.string()
    if reader.accept("STARTS", "WITH"):
        found.starts = reader.string()
    if reader.accept("LIMIT"):
        found.limit = reader.number()
        if reader.accept("FROM"):
            found.after = reader.string()


def _ended(reader: Reader, found: _Filter) -> None:
    _filter(reader, found)
    reader.finish()


def _cut(listing: Listing, found: _Filter) -> Result:
    if found.limit is not None:
        del listing.rows[found.limit :]
    return listing.result()


def _flag(value: bool) -> str:
    return "Y" if value else "N"


def _databases(reader: Reader, view: _View, terse: bool) -> Result:
    found = _Filter()
    reader.accept("HISTORY")
    _ended(reader, found)
    names = (
        "t:created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options",
        "retention_time", "kind", "owner_role_type", "object_visibility", "data_quality_monitoring_settings",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for name, one in sorted(view.catalog.databases.items()):
        if not (view.rights.sees_database(name) or view.rights.on_account("MANAGE GRANTS")) or not found.passes(name):
            continue
        kind = "IMPORTED DATABASE" if one.imported else "STANDARD"
        if terse:
            listing.add((one.created, name, kind, None, None))
        else:
            current = _flag(name == view.session.database)
            listing.add(
                (one.created, name, "N", current, "", one.owner, one.comment, "", "1", kind, "ROLE", None, None)
            )
    return _cut(listing, found)


def _scope(reader: Reader, view: _View, kinds: tuple[str, ...]) -> tuple[str | None, str | None]:
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


def _schemas(reader: Reader, view: _View, terse: bool) -> Result:
    found = _Filter()
    reader.accept("HISTORY")
    _filter(reader, found)
    wanted, _ = _scope(reader, view, ("DATABASE",))
    _ended(reader, found)
    names = (
        "t:created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options",
        "retention_time", "owner_role_type", "object_visibility", "is_nested",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for database in sorted(view.catalog.databases.values(), key=lambda one: one.name):
        if wanted not in (None, database.name):
            continue
        for name, one in sorted(database.schemas.items()):
            if not view.rights.sees_schema(one.name) or not found.passes(name):
                continue
            current = _flag(one.name == SchemaName(view.session.database or "", view.session.schema or ""))
            if terse:
                listing.add((one.created, name, None, database.name, None))
            else:
                listing.add(
                    (one.created, name, "N", current, database.name, one.owner, one.comment, "", "1", "ROLE", None, "N")
                )
    return _cut(listing, found)


def _in_scope(reader: Reader, view: _View, found: _Filter) -> list[Table]:
    reader.accept("HISTORY")
    _filter(reader, found)
    database, schema = _scope(reader, view, ("SCHEMA", "DATABASE"))
    _ended(reader, found)
    return [
        table
        for table in view.catalog.tables()
        if view.rights.sees_table(table)
        and database in (None, table.name.database)
        and schema in (None, table.name.schema)
        and found.passes(table.name.name)
    ]


def _tables(reader: Reader, view: _View, terse: bool) -> Result:
    found = _Filter()
    names = (
        "t:created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "n:rows", "n:bytes",
        "owner", "retention_time", "automatic_clustering", "change_tracking", "search_optimization",
        "search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution",
        "owner_role_type", "is_event", "is_hybrid", "is_iceberg", "is_immutable",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    rows = view.account.row_count
    for one in _in_scope(reader, view, found):
        at = one.name
        if one.view is not None:
            continue
        if terse:
            listing.add((one.created, at.name, "TABLE", at.database, at.schema))
        else:
            head = (one.created, at.name, at.database, at.schema, "TABLE", one.comment, "", rows(one), None, one.owner)
            listing.add((*head, "1", "OFF", "OFF", "OFF", None, None, "N", "N", "ROLE", "N", "N", "N", "N"))
    return _cut(listing, found)


def _views(reader: Reader, view: _View, terse: bool) -> Result:
    found = _Filter()
    names = (
        "t:created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure",
        "is_materialized", "owner_role_type", "change_tracking",
    )  # fmt: skip
    listing = Listing(_TERSE if terse else names)
    for one in _in_scope(reader, view, found):
        at = one.name
        if one.view is None:
            continue
        if terse:
            listing.add((one.created, at.name, "VIEW", at.database, at.schema))
        else:
            listing.add(
                (one.created, at.name, "", at.database, at.schema, one.owner, one.comment, one.view)
                + ("false", "false", "ROLE", "OFF")
            )
    return _cut(listing, found)


def _columns(reader: Reader, view: _View, _: bool) -> Result:
    found = _Filter()
    listing = Listing(
        ("table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment")
        + ("database_name", "autoincrement", "schema_evolution_record")
    )
    _filter(reader, found)
    tables = _columns_scope(reader, view)
    _ended(reader, found)
    for table in tables:
        for column in table.columns:
            if found.passes(column.name):
                kind = json.dumps(_data_type(column.type, column.nullable), separators=(",", ":"))
                null = "true" if column.nullable else "NOT_NULL"
                listing.add(
                    (table.name.name, table.name.schema, column.name, kind, null, column.default or "", "COLUMN", "")
                    + (column.comment or "", table.name.database, "", None)
                )
    return _cut(listing, found)


def _columns_scope(reader: Reader, view: _View) -> list[Table]:
    visible = [table for table in view.catalog.tables() if view.rights.sees_table(table)]
    if reader.accept("IN", "TABLE") or reader.accept("IN", "VIEW"):
        name = view.session.table_name(reader.path(), "SHOW COLUMNS")
        chosen = [table for table in visible if table.name == name]
        if not chosen:
            raise failures.missing(str(name), "Table")
        return chosen
    database, schema = _scope(reader, view, ("SCHEMA", "DATABASE"))
    return [
        table for table in visible if database in (None, table.name.database) and schema in (None, table.name.schema)
    ]


def _data_type(spelled: str, nullable: bool) -> dict[str, object]:
    column = types.result_column("", spelled)
    found: dict[str, object] = {"type": column.type.upper(), "nullable": nullable}
    if column.type == "fixed":
        found |= {"precision": column.precision, "scale": column.scale}
    elif column.length is not None:
        found |= {"length": column.length, "byteLength": column.length, "fixed": False}
    return found


def _warehouses(reader: Reader, view: _View, _: bool) -> Result:
    found = _Filter()
    _ended(reader, found)
    listing = Listing(
        ("name", "state", "type", "size", "n:min_cluster_count", "n:max_cluster_count", "n:started_clusters")
        + ("n:running", "n:queued", "is_default", "is_current", "is_interactive", "n:auto_suspend", "auto_resume")
        + ("available", "provisioning", "quiescing", "other", "t:created_on", "t:resumed_on", "t:updated_on", "owner")
        + ("comment", "enable_query_acceleration", "n:query_acceleration_max_scale_factor", "resource_monitor")
        + ("actives", "pendings", "failed", "suspended", "uuid", "scaling_policy", "owner_role_type")
        + ("resource_constraint", "generation")
    )
    for name, one in sorted(view.catalog.warehouses.items()):
        if not view.rights.sees_warehouse(name) or not found.passes(name):
            continue
        size = _SIZES.get(one.options.get("WAREHOUSE_SIZE", "XSMALL").upper(), one.options.get("WAREHOUSE_SIZE", ""))
        default = _flag(view.session.user.options.get("DEFAULT_WAREHOUSE") == name)
        state = "SUSPENDED" if one.suspended else "STARTED"
        started = "0" if one.suspended else "1"
        head = (name, state, "STANDARD", size, "1", "1", started, "0", "0", default)
        resume = one.options.get("AUTO_RESUME", "true").lower()
        middle = (_flag(view.session.warehouse == name), "N", one.options.get("AUTO_SUSPEND", "600"), resume)
        tail = ("", "", "", "", one.created, one.created, one.created, one.owner, one.options.get("COMMENT", ""))
        listing.add(
            (*head, *middle, *tail, "false", "8", "null", "0", "0", "0", "0", "", "STANDARD", "ROLE", None, None)
        )
    return _cut(listing, found)


def _roles(reader: Reader, view: _View, _: bool) -> Result:
    found = _Filter()
    _ended(reader, found)
    listing = Listing(("t:created_on", "name", "is_default", "is_current", "is_inherited", "owner", "comment"))
    for name, one in sorted(view.catalog.roles.items()):
        if found.passes(name):
            current, inherited = _flag(name == view.session.role), _flag(name in view.rights.roles)
            default = _flag(view.session.user.options.get("DEFAULT_ROLE") == name)
            listing.add((one.created, name, default, current, inherited, one.owner, one.comment))
    return _cut(listing, found)


def _users(reader: Reader, view: _View, _: bool) -> Result:
    found = _Filter()
    _ended(reader, found)
    listing = Listing(
        ("name", "t:created_on", "login_name", "display_name", "disabled", "default_role", "default_warehouse")
        + ("default_namespace", "owner", "has_rsa_public_key", "type", "comment")
    )
    for name, one in sorted(view.catalog.users.items()):
        if found.passes(name) and (view.rights.administers(one.owner) or one is view.session.user):
            options = one.options
            listing.add(
                (name, one.created, one.login_name, name, str(one.disabled).lower(), options.get("DEFAULT_ROLE", ""))
                + (options.get("DEFAULT_WAREHOUSE", ""), options.get("DEFAULT_NAMESPACE", ""), one.owner)
                + (str(bool(one.keys)).lower(), options.get("TYPE", ""), options.get("COMMENT", ""))
            )
    return _cut(listing, found)


def _grants(reader: Reader, view: _View, _: bool) -> Result:
    word = reader.choose("TO", "OF", "ON")
    if word == "OF":
        return _grants_of(reader, view)
    if word == "ON":
        return _grants_on(reader, view)
    kind = reader.choose("USER", "ROLE") if word == "TO" else "USER"
    if kind == "ROLE":
        return _grants_to_role(view, _named(reader, view.catalog.roles, "Role"))
    user = view.session.user.name if word is None else _named(reader, view.catalog.users, "User")
    reader.finish()
    listing = Listing(
        ("t:created_on", "privilege", "granted_on", "name", "role", "granted_to", "grantee_name", "grant_option")
        + ("granted_by",)
    )
    for role in sorted(view.catalog.users[user].roles):
        created = view.catalog.roles[role].created
        listing.add((created, "USAGE", "ROLE", role, role, "USER", user, "false", view.catalog.roles[role].owner))
    return listing.result()


def _named(reader: Reader, known: dict[str, object] | dict[str, User], kind: str) -> str:  # type: ignore[misc]
    name = reader.identifier()
    reader.finish()
    if name not in known:
        raise failures.missing(shown(name), kind, table=False)
    return name


def _grants_to_role(view: _View, role: str) -> Result:
    listing = Listing(
        ("t:created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by")
    )
    for grant, at in sorted(view.catalog.grants.items(), key=lambda item: (item[0].on, item[0].privilege)):
        if grant.role == role:
            name = ".".join(map(shown, grant.on[1:])) or view.account.name
            option = str(grant.option).lower()
            listing.add((at, grant.privilege, grant.on[0], name, "ROLE", role, option, grant.by))
    for inherited in sorted(view.catalog.roles[role].roles):
        one = view.catalog.roles[inherited]
        listing.add((one.created, "USAGE", "ROLE", inherited, "ROLE", role, "false", one.owner))
    return listing.result()


def _grants_of(reader: Reader, view: _View) -> Result:
    reader.take("ROLE")
    role = _named(reader, view.catalog.roles, "Role")
    listing = Listing(("t:created_on", "role", "granted_to", "grantee_name", "granted_by"))
    owner = view.catalog.roles[role].owner
    for kind, holders in (("ROLE", view.catalog.roles), ("USER", view.catalog.users)):
        for name, holder in sorted(holders.items()):
            if role in holder.roles:
                listing.add((holder.created, role, kind, name, owner))
    return listing.result()


def _grants_on(reader: Reader, view: _View) -> Result:
    kind = reader.choose("TABLE", "VIEW", "SCHEMA", "DATABASE", "WAREHOUSE", "ACCOUNT")
    if kind is None:
        raise failures.unsupported(f"SHOW GRANTS ON {reader.peek()}")
    on = _object(reader, view, kind)
    reader.finish()
    listing = Listing(
        ("t:created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option")
        + ("granted_by_role_type", "granted_by")
    )
    name = ".".join(map(shown, on[1:])) or view.account.name
    if kind != "ACCOUNT":
        listing.add((view.session.now, "OWNERSHIP", kind, name, "ROLE", owner_of(view.catalog, on), "true", "ROLE", ""))
    for grant, at in sorted(view.catalog.grants.items(), key=lambda item: (item[0].role, item[0].privilege)):
        if grant.on == on:
            option = str(grant.option).lower()
            listing.add((at, grant.privilege, kind, name, "ROLE", grant.role, option, "ROLE", grant.by))
    return listing.result()


def _object(reader: Reader, view: _View, kind: str) -> tuple[str, ...]:
    if kind == "ACCOUNT":
        return ("ACCOUNT",)
    path = reader.path()
    if kind in ("TABLE", "VIEW"):
        name = view.session.table_name(path, "SHOW GRANTS")
        table = view.catalog.table(name)
        if table is not None and table.kind == kind and view.rights.sees_table(table):
            return (kind, name.database, name.schema, name.name)
    elif kind == "SCHEMA":
        schema = view.session.schema_name(path, "SHOW GRANTS")
        if view.rights.sees_schema(schema):
            return (kind, schema.database, schema.schema)
    elif view.rights.sees_database(path[0]) if kind == "DATABASE" else view.rights.sees_warehouse(path[0]):
        return (kind, path[0])
    raise failures.missing(".".join(map(shown, path)), kind.capitalize(), table=False)


def _describe(reader: Reader, view: _View) -> Result:
    kind = reader.choose("TABLE", "VIEW", "USER")
    if kind == "USER":
        return _describe_user(view, _named(reader, view.catalog.users, "User"))
    name = view.session.table_name(reader.path(), "DESCRIBE")
    reader.finish()
    table = view.catalog.table(name)
    if table is None or not view.rights.sees_table(table):
        raise failures.missing(str(name), (kind or "TABLE").capitalize())
    listing = Listing(
        ("name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment")
        + ("policy name", "privacy domain")
    )
    for column in table.columns:
        key = _flag(column.name in table.primary_key)
        head = (column.name, column.type, "COLUMN", _flag(column.nullable), column.default, key, "N")
        listing.add((*head, None, None, column.comment, None, None))
    return listing.result()


def _describe_user(view: _View, name: str) -> Result:
    user = view.catalog.users[name]
    if user is not view.session.user and not view.rights.administers(user.owner):
        raise failures.missing(shown(name), "User", table=False)
    listing = Listing(("property", "value", "default", "description"))
    values = {"NAME": user.name, "LOGIN_NAME": user.login_name, "DISABLED": str(user.disabled).lower()}
    for option in ("TYPE", "COMMENT", "DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE"):
        values[option] = user.options.get(option, "null")
    values["DEFAULT_SECONDARY_ROLES"] = user.options.get("DEFAULT_SECONDARY_ROLES", '["ALL"]')
    for option in KEYS:
        values[option] = user.keys.get(option, "null")
        values[f"{option}_FP"] = fingerprint(user.keys[option]) if option in user.keys else "null"
    for option, value in values.items():
        listing.add((option, value, "null", ""))
    return listing.result()


_SHOWS: dict[str, Callable[[Reader, _View, bool], Result]] = {
    "DATABASES": _databases,
    "SCHEMAS": _schemas,
    "TABLES": _tables,
    "VIEWS": _views,
    "COLUMNS": _columns,
    "WAREHOUSES": _warehouses,
    "ROLES": _roles,
    "USERS": _users,
    "GRANTS": _grants,
}
