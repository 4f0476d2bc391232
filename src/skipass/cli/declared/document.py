"""From the text of a declaration to what it declares, or to every fault in it at once. Asks no gateway."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from skipass.cli.connection_options import Auth, ClientAuth
from skipass.cli.declared.table import Table
from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.setup_sql import schema_path

ROLES = ("admin", "approver", "auditor", "member")
_KINDS = ("user", "connection", "agent", "mcp_server", "policy")
_CONNECTION = (
    *("name", "auth", "account", "host", "login", "role", "allowed_roles", "warehouse", "database", "schema"),
    *("per_user", "template", "login_claim", "verify_end_users", "probe_minutes", "policy", "slug"),
    *("client_id", "client_auth", "single_use", "oauth_metadata"),
)
_SECRETS = ("private_key", "passphrase", "token", "client_secret", "client_private_key")


@dataclass(frozen=True, slots=True)
class Declared:
    """One thing of the file: `fields` are what the gateway takes, without what was left out; secrets stand apart."""

    kind: str
    name: str
    fields: Mapping[str, Any]
    secrets: Mapping[str, Secret[str]] = field(default_factory=dict)
    key_file: Path | None = None

    @property
    def where(self) -> str:
        """How a fault names it."""
        return f"{self.kind} {self.name!r}"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file declares, in the order in which it is made, and what is wrong with it."""

    items: tuple[Declared, ...]
    faults: tuple[str, ...]

    def of(self, kind: str) -> Iterator[Declared]:
        """Yield what is declared of one kind."""
        return (one for one in self.items if one.kind == kind)


def read(path: Path) -> Document:
    """Return what a file declares with every fault, each a sentence that names what it is about."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Document((), (f"{path} cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return Document((), (f"{path} is not UTF-8",))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Document((), (f"{path} is not TOML: {error}",))
    faults: list[str] = []
    root = Table(str(path), document, path.parent, faults)
    root.only(_KINDS)
    items = [_READERS[kind](table) for kind in _KINDS for table in _tables(root, kind)]
    _once(items, faults)
    return Document(tuple(items), tuple(faults))


def _tables(root: Table, kind: str) -> Iterator[Table]:
    value = root.members.get(kind, [])
    single = kind == "policy"
    every = [value] if single and isinstance(value, dict) else value
    if not isinstance(every, list) or not all(isinstance(one, dict) for one in every):
        root.fault(f"write it as {f'[{kind}]' if single else f'[[{kind}]]'}")
        return
    for at, members in enumerate(every, start=1):
        named = members.get("slug" if kind == "mcp_server" else "name")
        where = kind if single else f"{kind} {named!r}" if isinstance(named, str) else f"{kind} {at}"
        yield Table(where, members, root.directory, root.faults)


def _once(items: list[Declared], faults: list[str]) -> None:
    seen = [(one.kind, one.name) for one in items if one.name]
    for kind, name in sorted({one for one in seen if seen.count(one) > 1}):
        faults.append(f"{kind} {name!r}: it is declared more than once")


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _connection(table: Table) -> Declared:
    table.only(_CONNECTION, (*_SECRETS, "oauth_metadata"))
    auth = table.choice("auth", [one.value for one in Auth])
    database, schema = _place(table)
    roles = table.names("allowed_roles")
    fields = {
        "auth": auth,
        **{name: table.text(name) for name in ("account", "host", "login", "login_claim", "slug", "client_id")},
        "role": table.sql_name("role", needed=True),
        "warehouse": table.sql_name("warehouse"),
        "database": database,
        "schema": schema,
        "allowed_roles": _folded(table, roles) if roles is not None else None,
        **{name: table.flag(name) for name in ("per_user", "template", "verify_end_users", "single_use")},
        "probe_minutes": table.count("probe_minutes"),
        "policy": table.inner("policy"),
        "client_auth": table.choice("client_auth", [one.value for one in ClientAuth]),
        "oauth_metadata": _metadata(table),
    }
    passphrase = table.secret("passphrase")
    secrets = {
        "private_key": table.private_key("private_key", passphrase),
        "token": table.secret("token"),
        "client_secret": table.secret("client_secret"),
        "client_private_key": table.private_key("client_private_key", None),
    }
    return Declared("connection", table.text("name", needed=True) or "", _given(fields), _given(secrets))


def _folded(table: Table, names: list[str]) -> list[str | None]:
    inner = [Table(table.where, {"allowed_roles": name}, table.directory, table.faults) for name in names]
    return [one.sql_name("allowed_roles") for one in inner]


def _place(table: Table) -> tuple[str | None, str | None]:
    schema = table.members.get("schema")
    if "database" not in table.members and isinstance(schema, str) and "." in schema:
        try:
            return schema_path(schema)
        except SnowflakeConfigError as error:
            table.fault(f"schema: {error.message}")
            return None, None
    return table.sql_name("database"), table.sql_name("schema")


def _metadata(table: Table) -> Mapping[str, Any] | None:
    """Return the object as pasted, from a file or from the declaration, which then holds no secret."""
    kept, inline = table.secret("oauth_metadata"), table.inner("oauth_metadata")
    if inline is not None and "client_secret" in inner_of(inline):
        table.fault("oauth_metadata: client_secret is a secret: say client_secret_env beside it")
    if kept is None:
        return inner_of(inline) if inline is not None else None
    try:
        found = orjson.loads(kept.reveal())
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        table.fault("oauth_metadata: that is no JSON object")
        return None
    return inner_of(found)


def inner_of(pasted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object itself where it was pasted with its name around it."""
    inner = pasted.get("oauth_metadata")
    return inner if isinstance(inner, dict) else pasted


def _agent(table: Table) -> Declared:
    table.only(("name", "owner", "users", "connections", "end_users", "return_urls", "key_file"))
    fields = {
        "owner": table.text("owner"),
        **{name: table.names(name) for name in ("users", "connections", "return_urls")},
        "end_users": table.flag("end_users"),
    }
    if not fields["connections"]:
        table.fault("connections names none; an agent without one can do nothing")
    name = table.text("name", needed=True) or ""
    return Declared("agent", name, _given(fields), key_file=table.path("key_file"))


def _server(table: Table) -> Declared:
    lists = ("users", "groups", "agents", "clients", "tools")
    table.only(("slug", "connection", "url", *lists, "sessions", "agents_of_connection", "drift"))
    fields: dict[str, Any] = {"connection": table.text("connection", needed=True), "url": table.text("url")}
    fields |= {name: table.names(name) for name in lists}
    fields |= {"sessions": table.choice("sessions", ("explicit", "automatic"))}
    fields |= {"agents_of_connection": table.flag("agents_of_connection")}
    fields |= {"drift": table.choice("drift", ("held", "refused"))}
    return Declared("mcp_server", table.text("slug", needed=True) or "", _given(fields))


def _user(table: Table) -> Declared:
    table.only(("name", "roles"))
    roles = table.names("roles") or []
    if not roles:
        table.fault("roles names none")
    each = [Table(table.where, {"roles": one}, table.directory, table.faults).choice("roles", ROLES) for one in roles]
    return Declared("user", table.text("name", needed=True) or "", {"roles": each})


def _policy(table: Table) -> Declared:
    table.only(("file",))
    if "file" not in table.members:
        table.fault("file is missing; it names the policy, which is a file of its own")
    return Declared("policy", "policy", _given({"policy": table.content("file")}))


_READERS: Mapping[str, Callable[[Table], Declared]] = MappingProxyType(
    {"user": _user, "connection": _connection, "agent": _agent, "mcp_server": _server, "policy": _policy}
)
