"""What the page of a connection shows, as plain values. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from skipass.audit.chain import Record
from skipass.gateway.account_views import registration_view
from skipass.gateway.connections import Known
from skipass.gateway.drafting import BROUGHT, OAUTH
from skipass.gateway.probe import SETTING as PROBE_MINUTES
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection, Switch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WAYS: Mapping[AuthMethod, str] = MappingProxyType(
    {
        AuthMethod.SNOWFLAKE_OAUTH: "each person signs in to Snowflake",
        AuthMethod.EXTERNAL_OAUTH: "each person signs in with the identity provider",
        AuthMethod.EXTERNAL_OAUTH_ISSUER: "the gateway vouches for each person",
        AuthMethod.KEY_PAIR: "key pair",
        AuthMethod.PAT: "programmatic access token",
    }
)


def way(connection: Connection) -> str:
    """Return how a connection signs in, in words."""
    if connection.per_user and connection.auth_method in BROUGHT:
        return f"a {WAYS[connection.auth_method]} of each person"
    return WAYS[connection.auth_method]


def place_of(connection: Connection) -> str:
    """Return a connection's default schema as it is typed, empty without one."""
    return ".".join(_written(one) for one in (connection.database, connection.schema) if one)


def line(connection: Connection) -> dict[str, Any]:
    """Return one line of the list."""
    return {
        "name": connection.name,
        "account": connection.account or "each customer's",
        "way": way(connection),
        "role": connection.role,
        "disabled": connection.state is Switch.DISABLED,
    }


def facts(known: Known) -> list[tuple[str, str]]:
    """Return what a connection is, as names and values."""
    one = known.connection
    told = [
        ("Signs in by", way(one)),
        ("Account", one.account or "each customer's own"),
        ("Leads to", one.host),
        ("Login", one.login),
        ("Key or token", known.credential.fingerprint if known.credential else ""),
        ("Role", one.role),
        ("Further roles", ", ".join(one.allowed_roles)),
        ("Warehouse", one.warehouse or ""),
        ("Schema", place_of(one)),
        ("Settings", ", ".join(f"{name}: {value}" for name, value in sorted(one.settings.items()))),
    ]
    return [(name, text) for name, text in told if text]


def editable(connection: Connection) -> dict[str, str]:
    """Return what the form of changes begins with."""
    return {
        "role": _written(connection.role),
        "roles": ", ".join(_written(one) for one in connection.allowed_roles),
        "warehouse": _written(connection.warehouse or ""),
        "schema": place_of(connection),
        "host": connection.host,
        "claim": str(connection.settings.get("login_claim") or ""),
        "probe": str(connection.settings.get(PROBE_MINUTES) or ""),
    }


def takes(connection: Connection) -> dict[str, bool]:
    """Return which forms a connection has."""
    broker = connection.auth_method in BROUGHT and not connection.per_user
    issuer = connection.auth_method is AuthMethod.EXTERNAL_OAUTH_ISSUER
    return {
        "host": (broker or issuer) and not connection.template,
        "key": broker and connection.auth_method is AuthMethod.KEY_PAIR,
        "token": broker and connection.auth_method is AuthMethod.PAT,
        "client": connection.auth_method in OAUTH,
        "metadata": connection.auth_method is AuthMethod.EXTERNAL_OAUTH,
        "issuer": issuer,
        "probe": connection.per_user,
    }


def policy_of(connection: Connection) -> str:
    """Return a connection's own limits as JSON, empty where it has none of its own."""
    return orjson.dumps(connection.policy, option=orjson.OPT_INDENT_2).decode() if connection.policy else ""


def last_test(record: Record | None) -> dict[str, Any] | None:
    """Return when a connection was last tested and what was found, None where the record has none."""
    if record is None:
        return None
    words = {True: "ok", False: "failed", None: "cannot see"}
    checks = orjson.loads(record.body).get("checks", [])
    found = [{"name": one["name"], "state": words[one["ok"]], "seen": one["seen"]} for one in checks]
    return {"at": _EPOCH + timedelta(microseconds=record.at_us), "checks": found}


def clients(registrations: Sequence[Registration], base_url: str) -> list[dict[str, Any]]:
    """Return a connection's clients at authorization servers, without their secrets."""
    return [registration_view(one, base_url) | {"created_at": one.created_at} for one in registrations]


def _written(name: str) -> str:
    """Return a stored name as it is written in SQL: plain where that means the same, else in double quotes."""
    plain = name.isascii() and name.isidentifier() and name == name.upper()
    return name if plain or not name else '"' + name.replace('"', '""') + '"'
