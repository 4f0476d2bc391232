"""Connected accounts: what a user let the gateway have on one connection, and how they came to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from skipass.nouns.connection import Switch


class AccountState(StrEnum):
    """Where a connected account stands; the words are those that applications read."""

    PENDING_AUTH = "PENDING_AUTH"
    PENDING_VERIFICATION = "PENDING_VERIFICATION"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    DISCONNECTED = "DISCONNECTED"


class AccountReason(StrEnum):
    """Why a connected account or one of its credentials ended."""

    USER_REVOKED = "user_revoked"
    ADMIN_REVOKED = "admin_revoked"
    INTEGRATION_DISABLED = "integration_disabled"
    ROLE_LOST = "role_lost"
    USER_DISABLED = "user_disabled"
    NETWORK_POLICY = "network_policy"
    CLIENT_SECRET_ROTATED = "client_secret_rotated"  # noqa: S105 - a reason
    REFRESH_EXPIRED = "refresh_expired"
    REFRESH_AMBIGUOUS = "refresh_ambiguous"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """One user's authorisation on one connection; there is at most one for each user and connection.

    `login`, `account` and `host` are those of the Snowflake user who signed in, fixed by the first sign-in;
    `registration_id` is the client it went through. Role, warehouse, database and schema are the user's own defaults
    and may be None.
    """

    id: str
    tenant_id: str
    connection_id: str
    user_id: str
    state: AccountState
    created_at: datetime
    registration_id: str | None = None
    login: str | None = None
    account: str | None = None
    host: str | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    reason: str | None = None
    linked_at: datetime | None = None
    version: int = 1


class ClientAuth(StrEnum):
    """How a registered client proves itself at the token endpoint. Source: RFC 7591 §2"""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Registration:
    """The gateway's client at one authorization server: Snowflake's own for one account, or an identity provider.

    Its id is in its callback path, so no two share a redirect URI. `account` and `host` are of the Snowflake account.
    `sealed` is the client's secret or private key. `metadata` is the `oauth_metadata` object as it was given, without
    its secret; `issuer`, `authorization_endpoint`, `token_endpoint` and `scope` in it are what is used.
    """

    id: str
    tenant_id: str
    connection_id: str
    account: str
    host: str
    client_id: str
    client_auth: ClientAuth
    created_at: datetime
    sealed: bytes | None = None
    allowed_roles: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    state: Switch = Switch.ENABLED
    version: int = 1


class LinkState(StrEnum):
    """Life of one attempt to link an account."""

    MADE = "made"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class LinkAttempt:
    """One attempt to link an account: single use, ten minutes, and the newest of an account voids the others.

    `hash` is of the link's token, `state_hash` of what goes round by the browser. `sealed` holds the PKCE verifier.
    `sign_in_id` binds it to one browser. `generation` is that of the credential it would follow, 0 for none.
    `code_hash` is of the one-time code with which an application verifies the person who finished.
    """

    id: str
    tenant_id: str
    account_id: str
    connection_id: str
    user_id: str
    hash: str
    state: LinkState
    created_at: datetime
    expires_at: datetime
    role: str | None = None
    registration_id: str | None = None
    state_hash: str | None = None
    sealed: bytes | None = None
    sign_in_id: str | None = None
    generation: int = 0
    return_url: str | None = None
    code_hash: str | None = None
    reason: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class LoginMapping:
    """An admin's word that a user is this Snowflake login on a connection."""

    id: str
    tenant_id: str
    connection_id: str
    user_id: str
    login: str
    made_by: str
    created_at: datetime
