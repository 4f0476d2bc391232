"""Connections: registered Snowflake targets, their sealed credentials, and the slugs in front of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Switch(StrEnum):
    """Whether a connection or an MCP server answers."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class AuthMethod(StrEnum):
    """How the gateway signs in to Snowflake."""

    KEY_PAIR = "key_pair"


@dataclass(frozen=True, slots=True)
class Connection:
    """A registered Snowflake target: `host` is dialled, `account` is what was typed, names are as Snowflake shows them.

    `allowed_roles` bounds the roles of sessions; empty means the default role only. `policy` is the JSON of
    `skipass.access.policy.ConnectionPolicy`.
    """

    id: str
    tenant_id: str
    name: str
    account: str
    host: str
    auth_method: AuthMethod
    login: str
    role: str
    allowed_roles: tuple[str, ...]
    policy: dict[str, Any]
    created_at: datetime
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    state: Switch = Switch.ENABLED
    version: int = 1


class CredentialState(StrEnum):
    """Life of one sealed credential."""

    NONE = "none"
    ACTIVE = "active"
    REFRESHING = "refreshing"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Credential:
    """One sealed credential of a connection; `user_id` is None for a broker credential that serves everybody."""

    id: str
    tenant_id: str
    connection_id: str
    generation: int
    state: CredentialState
    sealed: bytes
    fingerprint: str
    created_at: datetime
    user_id: str | None = None
    role: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class McpServer:
    """A slug: the built-in Snowflake tools over a connection.

    An agent is let in if it may use the connection and, where `agents` names any, is one of them.
    """

    id: str
    tenant_id: str
    slug: str
    connection_id: str
    created_at: datetime
    agents: tuple[str, ...] = ()
    state: Switch = Switch.ENABLED
