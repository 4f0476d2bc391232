"""OAuth clients of our own authorization server: who they are, what people agreed to, and what was given for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from skipass.nouns.people import Life


class ClientKind(StrEnum):
    """How a client came: an admin added it, it is a metadata document at an address, or it registered itself."""

    REGISTERED = "registered"
    DOCUMENT = "document"
    DYNAMIC = "dynamic"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One client. `client_id` is what it presents: our id for it or, of a document, the address.

    A public client has no `secret_hash`. What it says of itself (`name`, `redirect_uris`) is a claim, except of a
    registered one, where an admin said it. `expires_at` is when a client that registered itself is forgotten unless
    somebody agrees to it before. Source: RFC 7591 §2; draft-ietf-oauth-client-id-metadata-document-00 §4
    """

    id: str
    tenant_id: str
    kind: ClientKind
    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    created_at: datetime
    secret_hash: str | None = None
    expires_at: datetime | None = None
    state: Life = Life.ACTIVE
    version: int = 1


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's word that one client may act for them at one resource, within these scopes.

    `agent_id` is the agent that the client is in the gateway from then on, `redirect_to` the origin or scheme that the
    person's browser was sent to. A revoked one never comes back: agreeing again makes another.
    """

    id: str
    tenant_id: str
    user_id: str
    client_id: str
    agent_id: str
    resource: str
    scopes: tuple[str, ...]
    redirect_to: str
    created_at: datetime
    revoked_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class TokenFamily:
    """Everything that one authorization code led to: its tokens live and die with it.

    Each token is good for one `resource`, in the hands of one client, for one user, within these scopes.
    """

    id: str
    tenant_id: str
    consent_id: str
    client_id: str
    user_id: str
    agent_id: str
    resource: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as its SHA-256. The next one of its family takes its place at `used_at`.

    `salt` is what, together with its text, makes its successor: whoever presents it again while an answer may have been
    lost is given the very same one. Source: RFC 9700 §4.14.2
    """

    id: str
    tenant_id: str
    family_id: str
    hash: str
    salt: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    successor_id: str | None = None
    version: int = 1
