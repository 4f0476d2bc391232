"""Connections: registered Snowflake targets, their sealed credentials, and the slugs in front of them."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    PAT = "pat"
    SNOWFLAKE_OAUTH = "snowflake_oauth"
    EXTERNAL_OAUTH = "external_oauth"
    EXTERNAL_OAUTH_ISSUER = "external_oauth_issuer"


@dataclass(frozen=True, slots=True)
class Connection:
    """A registered Snowflake target: `host` is dialled, `account` is what was typed, names are as Snowflake shows them.

    `allowed_roles` bounds the roles of sessions; empty means the default role only. `policy` is the JSON of
    `skipass.access.policy.ConnectionPolicy`. With `per_user` each user connects an account of their own, and `login` is
    empty; else the connection has one credential, for `login`, that serves everybody. A `template` has one
    `skipass.nouns.account.Registration` for each Snowflake account, and its own `account` and `host` are empty.
    `settings` are the auth method's own, none of them secret.
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
    per_user: bool = False
    template: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


class CredentialState(StrEnum):
    """Life of one sealed credential."""

    NONE = "none"
    ACTIVE = "active"
    REFRESHING = "refreshing"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Credential:
    """One sealed credential of a connection.

    `user_id` and `account_id` are None for one that serves everybody, `role` for one that is not bound to a role.
    `sealed` opens only in its own place and generation. `fingerprint` names what is sealed without giving it away: of a
    key pair the public key's, of a refresh token its digest. `expires_at` ends the access token, `refresh_expires_at`
    the refresh token. While it is refreshing, `deadline` is when another process may take over, else when it is
    refreshed next; of a signing key that was replaced it is until when the public half stays published. `ambiguous`
    says that an earlier answer to the same refresh token was lost. `rotates` tells whether a refresh replaces the
    refresh token, None while that is not known.
    """

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
    account_id: str | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    deadline: datetime | None = None
    ambiguous: bool = False
    rotates: bool | None = None
    version: int = 1


class SlugSessions(StrEnum):
    """Which sessions a slug serves: `explicit` ones only, or also the automatic ones that a policy names."""

    EXPLICIT = "explicit"
    AUTOMATIC = "automatic"


class Drift(StrEnum):
    """What becomes of a call of a relayed tool that is not as it was pinned: it waits for a person, or is refused."""

    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class McpServer:
    """A slug: the built-in Snowflake tools over a connection or, with `upstream`, a relay to a managed server.

    `upstream` is the URL of a Snowflake-managed MCP server, reached as the connection's user. Who is let in, nobody by
    default: the `agents` by id, with `agents_of_connection` every agent that may use the connection, and, through an
    MCP client that they signed in, the `users` by id and the members of `groups`. `clients` narrows such clients to
    those ids, `tools` the tools to those names; an empty one narrows nothing. `drift` is for a relay's tools.
    """

    id: str
    tenant_id: str
    slug: str
    connection_id: str
    created_at: datetime
    agents: tuple[str, ...] = ()
    state: Switch = Switch.ENABLED
    upstream: str | None = None
    agents_of_connection: bool = False
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    sessions: SlugSessions = SlugSessions.AUTOMATIC
    version: int = 1
    drift: Drift = Drift.HELD
