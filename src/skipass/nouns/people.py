"""People and agents, and the credentials they present to the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from skipass.nouns.principal import Role


class Life(StrEnum):
    """Whether a thing may be used at all."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation; owns every row, key and chain. `data_key` seals its statement texts and is itself sealed."""

    id: str
    name: str
    data_key: bytes
    created_at: datetime
    state: Life = Life.ACTIVE


@dataclass(frozen=True, slots=True)
class User:
    """A person. `founder` marks the two people `init` names; `changed_by`, `changed_at`: who touched them last.

    `subject` is who the company's identity provider says it is, `claims` what it said of them last, at `signed_in_at`.
    A person of an application's own carries the id of its agent in `end_user_of`, and an opaque name private to it.
    """

    id: str
    tenant_id: str
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    changed_at: datetime
    changed_by: str | None = None
    founder: bool = False
    state: Life = Life.ACTIVE
    version: int = 1
    subject: str | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    signed_in_at: datetime | None = None
    end_user_of: str | None = None


class ActsFor(StrEnum):
    """Whom an agent may act for."""

    OWNER = "owner"
    USERS = "users"
    END_USERS = "end_users"


@dataclass(frozen=True, slots=True)
class Agent:
    """Software with its own credential and an owner.

    `users` are the ids it may act for where `acts_for` says so; `connections` the ids it may use, nobody's by default.
    `return_urls` are where a browser may be sent after an application's end user has linked an account. `client_id` is
    the id of the OAuth client that its owner signed in: such an agent acts for its owner alone, has no key, and is let
    in by slugs only.
    """

    id: str
    tenant_id: str
    name: str
    owner_id: str
    acts_for: ActsFor
    users: tuple[str, ...]
    connections: tuple[str, ...]
    created_at: datetime
    state: Life = Life.ACTIVE
    version: int = 1
    return_urls: tuple[str, ...] = ()
    client_id: str | None = None


class KeyUse(StrEnum):
    """What a credential is: an agent's key, a person's token, or a key that only `--sandbox` gives a person.

    An agent's client secret is good for nothing but a token of its own, which ends after an hour. Of a key pair only
    the public half is known here; what the agent signs with the other is no key of ours. A token of a person's MCP
    client is good at one resource only.
    """

    AGENT = "agent"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - a use
    AGENT_TOKEN = "agent_token"  # noqa: S105 - a use
    MCP_TOKEN = "mcp_token"  # noqa: S105 - a use
    PUBLIC_KEY = "public_key"
    LOGIN = "login"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential for the gateway: the SHA-256 of its text, and the prefix it is looked up by.

    Of a key pair `public_key` is the public half, base64 of its DER form, and the prefix its fingerprint. `family_id`
    is what an MCP client's token lives and dies with.
    """

    id: str
    tenant_id: str
    use: KeyUse
    owner_id: str
    prefix: str
    hash: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    public_key: str | None = None
    family_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A one-time link that signs one person in once; a newer link voids it."""

    id: str
    tenant_id: str
    user_id: str
    hash: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
