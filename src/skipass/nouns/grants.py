"""What our own authorization server has given and not yet been asked for: codes, and devices that wait for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AuthCode:
    """An authorization code, kept as its SHA-256: good once, for a minute, for the client that it was made for.

    `challenge` is the S256 one of PKCE. `key_id` is the token it was traded for; a second use revokes that. A code of
    an MCP client is bound to a `resource`, to `scopes` and to a consent, and what it was traded for is a family.
    """

    id: str
    tenant_id: str
    client_id: str
    user_id: str
    hash: str
    redirect_uri: str
    challenge: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    key_id: str | None = None
    version: int = 1
    resource: str | None = None
    scopes: tuple[str, ...] = ()
    consent_id: str | None = None
    family_id: str | None = None


class DeviceState(StrEnum):
    """Life of a device's request for a person's token."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """A program without a browser of its own that asks for a person's token. Source: RFC 8628 §3

    `hash` is of the code that the program polls with, `user_code_hash` of the one that the person reads and types.
    `address` is where it asked from, for the person to judge; `polled_at` when it last asked for the answer.
    """

    id: str
    tenant_id: str
    client_id: str
    hash: str
    user_code_hash: str
    state: DeviceState
    created_at: datetime
    expires_at: datetime
    address: str | None = None
    user_id: str | None = None
    polled_at: datetime | None = None
    version: int = 1
