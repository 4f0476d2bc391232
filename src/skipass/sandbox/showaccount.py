"""SHOW WAREHOUSES, ROLES, USERS and GRANTS, and DESCRIBE.

Source: https://docs.snowflake.com/en/sql-reference/sql/show-warehouses, .../show-grants, .../desc-user.
"""

from __future__ import annotations

from collections.abc import Mapping

from skipass.sandbox import failures, showmore
from skipass.sandbox.accounts import KEYS, fingerprint
from skipass.sandbox.catalog import Role, User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.grants import owner_of
from skipass.sandbox.names import shown
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.showscope import Filter, View, end_filter, flag, limited

_SIZES = {"XSMALL": "X-Small", "X-SMALL": "X-Small", "SMALL": "Small", "MEDIUM": "Medium", "LARGE": "Large"}


def warehouses(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW WAREHOUSES."""
    found = Filter()
    end_filter(reader, found)
    listing = Listing(
        (
            "name",
            "state",
            "type",
            "size",
            "n:min_cluster_count",
            "n:max_cluster_count",
            "n:started_clusters",
            "n:running",
            "n:queued",
            "is_default",
            "is_current",
            "is_interactive",
            "n:auto_suspend",
            "auto_resume",
            "available",
            "provisioning",
            "quiescing",
            "other",
            "t:created_on",
            "t:resumed_on",
            "t:updated_on",
            "owner",
            "comment",
            "enable_query_acceleration",
            "n:query_acceleration_max_scale_factor",
            "resource_monitor",
            "actives",
            "pendings",
            "failed",
            "suspended",
            "uuid",
            "scaling_policy",
            "owner_role_type",
            "resource_constraint",
            "generation",
        )
    )
    for name, one in sorted(view.catalog.warehouses.items()):
        if not view.rights.sees_warehouse(name) or not found.passes(name):
            continue
        size = _SIZES.get(one.options.get("WAREHOUSE_SIZE", "XSMALL").upper(), one.options.get("WAREHOUSE_SIZE", ""))
        default = flag(view.session.user.options.get("DEFAULT_WAREHOUSE") == name)
        state = "SUSPENDED" if one.suspended else "STARTED"
        started = "0" if one.suspended else "1"
        head = (name, state, "STANDARD", size, "1", "1", started, "0", "0", default)
        resume = one.options.get("AUTO_RESUME", "true").lower()
        middle = (flag(view.session.warehouse == name), "N", one.options.get("AUTO_SUSPEND", "600"), resume)
        tail = ("", "", "", "", one.created, one.created, one.created, one.owner, one.options.get("COMMENT", ""))
        listing.add(
            (*head, *middle, *tail, "false", "8", "null", "0", "0", "0", "0", "", "STANDARD", "ROLE", None, None)
        )
    return limited(listing, found)


def roles(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW ROLES."""
    found = Filter()
    end_filter(reader, found)
    listing = Listing(("t:created_on", "name", "is_default", "is_current", "is_inherited", "owner", "comment"))
    for name, one in sorted(view.catalog.roles.items()):
        if found.passes(name):
            current, inherited = flag(name == view.session.role), flag(name in view.rights.roles)
            default = flag(view.session.user.options.get("DEFAULT_ROLE") == name)
            listing.add((one.created, name, default, current, inherited, one.owner, one.comment))
    return limited(listing, found)


def users(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW USERS: those that the role administers, and oneself."""
    found = Filter()
    end_filter(reader, found)
    listing = Listing(
        (
            "name",
            "t:created_on",
            "login_name",
            "display_name",
            "disabled",
            "default_role",
            "default_warehouse",
            "default_namespace",
            "owner",
            "has_rsa_public_key",
            "type",
            "comment",
        )
    )
    for name, one in sorted(view.catalog.users.items()):
        if found.passes(name) and (view.rights.administers(one.owner) or one is view.session.user):
            options = one.options
            listing.add(
                (
                    name,
                    one.created,
                    one.login_name,
                    name,
                    str(one.disabled).lower(),
                    options.get("DEFAULT_ROLE", ""),
                    options.get("DEFAULT_WAREHOUSE", ""),
                    options.get("DEFAULT_NAMESPACE", ""),
                    one.owner,
                    str(bool(one.keys)).lower(),
                    options.get("TYPE", ""),
                    options.get("COMMENT", ""),
                )
            )
    return limited(listing, found)


def grants(reader: Reader, view: View, _: bool) -> Result:
    """Answer SHOW GRANTS in each of its forms."""
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
        (
            "t:created_on",
            "privilege",
            "granted_on",
            "name",
            "role",
            "granted_to",
            "grantee_name",
            "grant_option",
            "granted_by",
        )
    )
    for role in sorted(view.catalog.users[user].roles):
        created = view.catalog.roles[role].created
        listing.add((created, "USAGE", "ROLE", role, role, "USER", user, "false", view.catalog.roles[role].owner))
    return listing.result()


def _named(reader: Reader, known: Mapping[str, object], kind: str) -> str:
    name = reader.identifier()
    reader.finish()
    if name not in known:
        raise failures.missing(shown(name), kind, table=False)
    return name


def _grants_to_role(view: View, role: str) -> Result:
    listing = Listing(
        ("t:created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by")
    )
    for grant, at in sorted(view.catalog.grants.items(), key=lambda item: (item[0].on, item[0].privilege)):
        if grant.role == role:
            name = ".".join(map(shown, grant.on[1:])) or view.account.name
            option = str(grant.option).lower()
            kind = grant.on[0].replace(" ", "_")
            listing.add((at, grant.privilege, kind, name, "ROLE", role, option, grant.by))
    for inherited in sorted(view.catalog.roles[role].roles):
        one = view.catalog.roles[inherited]
        listing.add((one.created, "USAGE", "ROLE", inherited, "ROLE", role, "false", one.owner))
    return listing.result()


def _grants_of(reader: Reader, view: View) -> Result:
    reader.take("ROLE")
    role = _named(reader, view.catalog.roles, "Role")
    listing = Listing(("t:created_on", "role", "granted_to", "grantee_name", "granted_by"))
    owner = view.catalog.roles[role].owner
    holders: list[Role | User] = [*view.catalog.roles.values(), *view.catalog.users.values()]
    for holder in sorted(holders, key=lambda one: (isinstance(one, User), one.name)):
        if role in holder.roles:
            kind = "USER" if isinstance(holder, User) else "ROLE"
            listing.add((holder.created, role, kind, holder.name, owner))
    return listing.result()


def _grants_on(reader: Reader, view: View) -> Result:
    kind = reader.choose("TABLE", "VIEW", "SCHEMA", "DATABASE", "WAREHOUSE", "ACCOUNT")
    if kind is None:
        raise failures.unsupported(f"SHOW GRANTS ON {reader.peek()}")
    on = _object(reader, view, kind)
    reader.finish()
    listing = Listing(
        (
            "t:created_on",
            "privilege",
            "granted_on",
            "name",
            "granted_to",
            "grantee_name",
            "grant_option",
            "granted_by_role_type",
            "granted_by",
        )
    )
    name = ".".join(map(shown, on[1:])) or view.account.name
    if kind != "ACCOUNT":
        listing.add((view.session.now, "OWNERSHIP", kind, name, "ROLE", owner_of(view.catalog, on), "true", "ROLE", ""))
    for grant, at in sorted(view.catalog.grants.items(), key=lambda item: (item[0].role, item[0].privilege)):
        if grant.on == on:
            option = str(grant.option).lower()
            listing.add((at, grant.privilege, kind, name, "ROLE", grant.role, option, "ROLE", grant.by))
    return listing.result()


def _object(reader: Reader, view: View, kind: str) -> tuple[str, ...]:
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


def describe(reader: Reader, view: View) -> Result:
    """Answer DESCRIBE TABLE, VIEW or USER."""
    kind = reader.choose("TABLE", "VIEW", "USER", *showmore.DESCRIBES)
    if kind in showmore.DESCRIBES:
        return showmore.DESCRIBES[kind](reader, view)
    if kind == "USER":
        return _describe_user(view, _named(reader, view.catalog.users, "User"))
    name = view.session.table_name(reader.path(), "DESCRIBE")
    reader.finish()
    table = view.catalog.table(name)
    if table is None or not view.rights.sees_table(table):
        raise failures.missing(str(name), (kind or "TABLE").capitalize())
    listing = Listing(
        (
            "name",
            "type",
            "kind",
            "null?",
            "default",
            "primary key",
            "unique key",
            "check",
            "expression",
            "comment",
            "policy name",
            "privacy domain",
        )
    )
    for column in table.columns:
        key = flag(column.name in table.primary_key)
        alone = any(one.kind == "UNIQUE" and one.columns == (column.name,) for one in table.constraints)
        head = (column.name, column.type, "COLUMN", flag(column.nullable), column.default, key, flag(alone))
        listing.add((*head, None, None, column.comment, None, None))
    return listing.result()


def _describe_user(view: View, name: str) -> Result:
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
