"""CREATE, ALTER and DROP of users, roles, warehouses, databases and schemas.

Changes the catalogue only; what a dropped database held in rows is left to the caller, which gets the tables back.
Source: https://docs.snowflake.com/en/sql-reference/sql/create-user and its siblings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skipass.sandbox import dropped, failures, passwords, renames, results, zones
from skipass.sandbox.catalog import Catalog, Database, Grant, Role, Schema, User, Warehouse, on_schema
from skipass.sandbox.grammar import Reader
from skipass.sandbox.names import SchemaName, shown
from skipass.sandbox.privileges import Rights
from skipass.sandbox.session import Session

KEYS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
KINDS = ("USER", "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA")


def run(reader: Reader, catalog: Catalog, session: Session) -> results.Result:
    """Read and carry out one statement on an account object; raises the vendor's failures."""
    verb = reader.choose("CREATE", "ALTER", "DROP")
    replace = verb == "CREATE" and reader.accept("OR", "REPLACE")
    reader.accept("TRANSIENT")
    kind = reader.choose(*KINDS)
    if verb is None or kind is None:
        raise reader.unexpected()
    rights = session.rights(catalog)
    if verb == "CREATE":
        return _create(reader, catalog, session, rights, kind, replace=replace)
    if verb == "DROP":
        return _drop(reader, catalog, session, rights, kind)
    return _alter(reader, catalog, session, rights, kind)


def _create(
    reader: Reader, catalog: Catalog, session: Session, rights: Rights, kind: str, *, replace: bool
) -> results.Result:
    lenient = reader.if_not_exists()
    path = reader.path()
    options = reader.options()
    if kind != "SCHEMA" and len(path) != 1:
        raise failures.syntax(1, 0, ".")
    found = _found(catalog, session, kind, path)
    if found is not None and not replace:
        if lenient:
            return results.status(f"{shown(path[-1])} already exists, statement succeeded.")
        raise failures.exists(path[-1])
    if found is not None:
        _need_ownership(rights, found, kind, path[-1])
        if kind in ("DATABASE", "SCHEMA"):
            _remove(catalog, session, kind, path)
    _CREATE[kind](catalog, session, rights, path, options)
    return results.status(f"{kind.capitalize()} {path[-1]} successfully created.")


def _found(catalog: Catalog, session: Session, kind: str, path: list[str]) -> object | None:
    if kind == "SCHEMA":
        return catalog.schema(session.schema_name(path, "CREATE SCHEMA"))
    tables: dict[str, dict[str, object]] = {
        "USER": dict(catalog.users),
        "ROLE": dict(catalog.roles),
        "WAREHOUSE": dict(catalog.warehouses),
        "DATABASE": dict(catalog.databases),
    }
    return tables[kind].get(path[0])


def _need(rights: Rights, privilege: str) -> None:
    if not rights.on_account(privilege):
        raise failures.insufficient("account", "ACCOUNT")


def _create_user(catalog: Catalog, session: Session, rights: Rights, path: list[str], options: dict[str, str]) -> None:
    _need(rights, "CREATE USER")
    user = User(path[0], options.pop("LOGIN_NAME", path[0]).upper(), session.now, owner=session.role)
    set_user_options(user, options)
    catalog.users[user.name] = user


def _create_role(catalog: Catalog, session: Session, rights: Rights, path: list[str], options: dict[str, str]) -> None:
    _need(rights, "CREATE ROLE")
    catalog.roles[path[0]] = Role(path[0], session.now, session.role, options.get("COMMENT", ""))


def _create_warehouse(
    catalog: Catalog, session: Session, rights: Rights, path: list[str], options: dict[str, str]
) -> None:
    _need(rights, "CREATE WAREHOUSE")
    suspended = options.pop("INITIALLY_SUSPENDED", "FALSE").upper() == "TRUE"
    catalog.warehouses[path[0]] = Warehouse(path[0], session.now, session.role, suspended, options)


def _create_database(
    catalog: Catalog, session: Session, rights: Rights, path: list[str], options: dict[str, str]
) -> None:
    _need(rights, "CREATE DATABASE")
    database = Database(path[0], session.now, session.role, options.get("COMMENT", ""))
    catalog.databases[path[0]] = database
    database.schemas["PUBLIC"] = Schema(SchemaName(path[0], "PUBLIC"), session.now, session.role)


def _create_schema(
    catalog: Catalog, session: Session, rights: Rights, path: list[str], options: dict[str, str]
) -> None:
    name = session.schema_name(path, "CREATE SCHEMA")
    rights.may_create_schema(name.database)
    catalog.databases[name.database].schemas[name.schema] = Schema(
        name, session.now, session.role, options.get("COMMENT", "")
    )
    for future in list(catalog.future):
        if future.kind == "SCHEMA" and future.container == (name.database,):
            catalog.grants[Grant(future.privilege, on_schema(name), future.role)] = session.now


_Creator = Callable[[Catalog, Session, Rights, list[str], dict[str, str]], None]
_CREATE: dict[str, _Creator] = {
    "USER": _create_user,
    "ROLE": _create_role,
    "WAREHOUSE": _create_warehouse,
    "DATABASE": _create_database,
    "SCHEMA": _create_schema,
}


def set_user_options(user: User, options: dict[str, str]) -> None:
    """Apply the options of CREATE or ALTER USER; a key that is no RSA public key is 001422."""
    for name, value in options.items():
        if name in KEYS:
            user.keys[name] = public_key(name, value)
        elif name == "LOGIN_NAME":
            user.login_name = value.upper()
        elif name == "DISABLED":
            user.disabled = value.upper() == "TRUE"
        elif name == "PASSWORD":
            user.options[name] = passwords.sealed(value)
        elif name == "TIMEZONE":
            user.options[name] = zones.checked(value)
        elif name in ("DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE"):
            user.options[name] = value.upper()
        else:
            user.options[name] = value


def public_key(option: str, value: str) -> str:
    """Return the bare base64 of an RSA public key, given with or without PEM lines."""
    lines = [line.strip() for line in value.splitlines() if not line.strip().startswith("-----")]
    body = "".join(lines).replace(" ", "")
    try:
        load_der_public_key(base64.b64decode(body, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise failures.compilation("001422", "22023", f"invalid value for property '{option}'") from None
    return body


def fingerprint(key: str) -> str:
    """Return `SHA256:` and the base64 digest of the key, as RSA_PUBLIC_KEY_FP shows it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode()


def _drop(reader: Reader, catalog: Catalog, session: Session, rights: Rights, kind: str) -> results.Result:
    lenient = reader.if_exists()
    path = reader.path()
    reader.choose("CASCADE", "RESTRICT")
    reader.finish()
    found = _found(catalog, session, kind, path)
    if found is None or not _sees(catalog, session, rights, kind, path):
        if lenient:
            text = f"Drop statement executed successfully ({path[-1]} already dropped)."
            return results.status(text)
        raise failures.missing(".".join(map(shown, path)), kind.capitalize(), table=False)
    _need_ownership(rights, found, kind, path[-1])
    _remove(catalog, session, kind, path)
    return results.status(f"{path[-1]} successfully dropped.")


def _sees(catalog: Catalog, session: Session, rights: Rights, kind: str, path: list[str]) -> bool:
    if kind == "SCHEMA":
        return rights.sees_schema(session.schema_name(path))
    if kind == "DATABASE":
        return rights.sees_database(path[0])
    return kind != "WAREHOUSE" or rights.sees_warehouse(path[0])


def _need_ownership(rights: Rights, found: object, kind: str, name: str) -> None:
    owner = getattr(found, "owner", "")
    system = kind == "ROLE" and not owner
    if system or not rights.owns(owner):
        raise failures.insufficient(kind.lower(), name)


def _remove(catalog: Catalog, session: Session, kind: str, path: list[str]) -> None:
    if kind == "SCHEMA":
        schema = catalog.schema(session.schema_name(path))
        if schema is not None:
            dropped.drop_schema(catalog, schema, session.now)
    elif kind == "USER":
        del catalog.users[path[0]]
    elif kind == "ROLE":
        _remove_role(catalog, path[0])
        renames.give_ownership(catalog, path[0], session.role)
    elif kind == "WAREHOUSE":
        del catalog.warehouses[path[0]]
        catalog.forget(("WAREHOUSE", path[0]))
    else:
        dropped.drop_database(catalog, catalog.databases[path[0]], session.now)


def _remove_role(catalog: Catalog, name: str) -> None:
    del catalog.roles[name]
    holders: list[Role | User] = [*catalog.roles.values(), *catalog.users.values()]
    for holder in holders:
        holder.roles.discard(name)
    catalog.grants = {grant: at for grant, at in catalog.grants.items() if grant.role != name}
    catalog.future = {one: at for one, at in catalog.future.items() if one.role != name}


def _alter(reader: Reader, catalog: Catalog, session: Session, rights: Rights, kind: str) -> results.Result:
    lenient = reader.if_exists()
    path = reader.path()
    found = _found(catalog, session, kind, path)
    if found is None or not _sees(catalog, session, rights, kind, path):
        if lenient:
            return results.status("Statement executed successfully.")
        raise failures.missing(".".join(map(shown, path)), kind.capitalize(), table=False)
    if isinstance(found, Warehouse) and reader.peek() in ("SUSPEND", "RESUME"):
        return _operate(reader, rights, found)
    _need_ownership(rights, found, kind, path[-1])
    unset = reader.choose("SET", "UNSET")
    if unset is None:
        raise failures.unsupported(f"ALTER {kind} {reader.peek()}")
    if unset == "UNSET":
        _unset(reader, found)
    else:
        _set(found, reader.options())
    return results.status("Statement executed successfully.")


def _operate(reader: Reader, rights: Rights, warehouse: Warehouse) -> results.Result:
    word = reader.choose("SUSPEND", "RESUME")
    reader.accept("IF", "SUSPENDED")
    reader.finish()
    if not (rights.owns(warehouse.owner) or "OPERATE" in rights.held(("WAREHOUSE", warehouse.name))):
        raise failures.insufficient("warehouse", warehouse.name)
    warehouse.suspended = word == "SUSPEND"
    return results.status("Statement executed successfully.")


def _set(found: object, options: dict[str, str]) -> None:
    if isinstance(found, User):
        set_user_options(found, options)
    elif isinstance(found, Warehouse):
        found.options |= options
    elif isinstance(found, (Role, Database, Schema)) and set(options) == {"COMMENT"}:
        found.comment = options["COMMENT"]
    else:
        raise failures.unsupported(f"property {', '.join(options)}")


def _unset(reader: Reader, found: object) -> None:
    names = [reader.identifier()]
    while reader.accept(","):
        names.append(reader.identifier())
    reader.finish()
    for name in names:
        if isinstance(found, User):
            found.keys.pop(name, None)
            found.options.pop(name, None)
            found.disabled = found.disabled and name != "DISABLED"
        elif isinstance(found, Warehouse):
            found.options.pop(name, None)
