"""OAuth clients: how they become known, and that one is what it says. Knows no form and no header.

Added by an admin, known by the document at the address that is its id, or registered by itself; an id is then looked up
the same way. Source: RFC 6749 §2; RFC 7591 §2 and §3; MCP 2026-07-28, Authorization (Client Registration)
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.client_documents import Documents, is_document, read_addresses, read_name
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rates import Rate
from skipass.gateway.tokens_issued import TokenRefused
from skipass.identity.keys import hashed
from skipass.ids import new_id
from skipass.nouns.oauth import ClientKind, OAuthClient
from skipass.nouns.people import Life, Tenant
from skipass.secret import Secret

UNUSED_LIFE = timedelta(hours=24)
MOST_UNUSED = 500
REGISTERED_A_MINUTE, REGISTERED_BY_ONE_A_MINUTE = 60, 10
METHODS = ("none", "client_secret_basic", "client_secret_post")
GRANTS = ("authorization_code", "refresh_token")
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that has just registered, and its secret, in this answer only. `method` is how it says who it is."""

    client: OAuthClient
    secret: Secret[str] | None
    method: str


class RegistrationRefused(SkipassError):
    """A refusal of the registration endpoint; `error` is its code of RFC 7591 §3.2.2."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__("invalid_request", message)
        self.error = error


class OAuthClients:
    """The use cases of clients that programs see."""

    def __init__(self, deps: Deps) -> None:
        self._deps, self._documents = deps, Documents(deps)
        self._all = Rate(deps.clock, REGISTERED_A_MINUTE, 60.0)
        self._by_one = Rate(deps.clock, REGISTERED_BY_ONE_A_MINUTE, 60.0)

    async def asked_for(self, client_id: str, tenant_id: str, person: str) -> OAuthClient:
        """Return the client that a signed-in person's browser came for; raises `invalid_request` for none of ours.

        One that is a document is looked at there, and kept only once somebody agrees to it.
        """
        found = await self._deps.journal.read(lambda reader: usable(reader, client_id))
        if found is not None and (found.tenant_id != tenant_id or found.state is not Life.ACTIVE):
            raise SkipassError("invalid_request", "This client may not be used.", "Ask an admin.")
        if is_document(client_id):
            return await self._looked_at(client_id, tenant_id, person, found)
        if found is None:
            raise SkipassError("invalid_request", "There is no such client.", "Have the program register again.")
        return found

    async def _looked_at(self, client_id: str, tenant_id: str, person: str, known: OAuthClient | None) -> OAuthClient:
        document, now = await self._documents.get(client_id, person), self._deps.journal.now()
        return OAuthClient(
            id=known.id if known else new_id("client", now),
            tenant_id=tenant_id,
            kind=ClientKind.DOCUMENT,
            client_id=client_id,
            name=document.name,
            redirect_uris=document.redirect_uris,
            created_at=known.created_at if known else now,
        )

    async def authenticated(self, client_id: str, secret: Secret[str] | None) -> OAuthClient:
        """Return the client that says to be asking for a token; raises `invalid_client` for whatever does not fit.

        A public client has no secret and may not show one. Source: RFC 6749 §2.3.1 and §5.2
        """
        client = await self._deps.journal.read(lambda reader: usable(reader, client_id))
        given = hashed(secret.reveal()) if secret is not None else ""
        kept = (client.secret_hash or "") if client is not None else ""
        if not hmac.compare_digest(given, kept) or client is None or client.state is not Life.ACTIVE:
            message = "The client is unknown, or its secret wrong."
            raise TokenRefused("invalid_client", message, code="unauthenticated")
        return client

    async def register(self, given: Mapping[str, Any], address: str | None) -> Registered:
        """Return a client as it registered itself, forgotten after a day unless somebody agrees to it.

        Raises `RegistrationRefused`, `not_found` where it is switched off, `temporarily_unavailable` for a flood.
        """
        rules = self._deps.mcp_clients
        if not rules.registration:
            hint = "An admin adds clients: skipass mcp-client add."
            raise SkipassError("not_found", "Clients do not register themselves here.", hint)
        if not (self._by_one.take(address or _ALL) and self._all.take(_ALL)):
            raise TokenRefused("temporarily_unavailable", "Too many clients register at the moment.")
        method = _method(given)
        try:
            addresses = read_addresses(given, rules.schemes)
        except SkipassError as error:
            raise RegistrationRefused("invalid_redirect_uri", error.message) from None
        name = read_name(given) if "client_name" in given else "An unnamed client"
        secret = None if method == "none" else Secret(secrets.token_urlsafe(32))

        async def keep(unit: UnitOfWork) -> OAuthClient | None:
            (tenant,) = await unit.find(Tenant, limit=1)
            if await unit.count(OAuthClient, expires_at__gt=unit.now) >= MOST_UNUSED:
                return None
            expires_at = unit.now + UNUSED_LIFE
            made = made_client(tenant.id, ClientKind.DYNAMIC, name, addresses, secret, unit.now, expires_at)
            await keep_client(unit, made, {"address": address})
            return made

        kept = await self._deps.journal.write(keep)
        if kept is None:
            raise TokenRefused("temporarily_unavailable", "Too many clients that nobody uses are registered.")
        return Registered(kept, secret, method)


def made_client(
    tenant_id: str,
    kind: ClientKind,
    name: str,
    redirect_uris: tuple[str, ...],
    secret: Secret[str] | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> OAuthClient:
    """Return a client that our id stands for."""
    made = new_id("client", now)
    kept = hashed(secret.reveal()) if secret is not None else None
    return OAuthClient(made, tenant_id, kind, made, name, redirect_uris, now, kept, expires_at)


async def keep_client(unit: UnitOfWork, client: OAuthClient, facts: Mapping[str, Any]) -> None:
    """Insert a client, on record."""
    await unit.insert(client)
    told = {"client_id": client.client_id, "kind": client.kind.value, "name": client.name, **facts}
    unit.emit(Event(client.tenant_id, "client.created", client.id, told | {"redirects": client.redirect_uris}))


async def agreed(unit: UnitOfWork, client: OAuthClient) -> OAuthClient:
    """Return a client as it is kept once somebody agrees to it: known from then on, and never forgotten unused."""
    kept = await usable(unit, client.client_id)
    if kept is None:
        if client.kind is not ClientKind.DOCUMENT:
            raise SkipassError("invalid_request", "The client's registration has run out.")
        await keep_client(unit, client, {})
        return client
    if kept.state is not Life.ACTIVE or kept.tenant_id != client.tenant_id:
        raise SkipassError("invalid_request", "This client may not be used.", "Ask an admin.")
    changes: dict[str, Any] = {"expires_at": None} if kept.expires_at is not None else {}
    if (kept.name, kept.redirect_uris) != (client.name, client.redirect_uris):
        changes |= {"name": client.name, "redirect_uris": client.redirect_uris}
        facts = {"name": client.name, "redirects": client.redirect_uris}
        unit.emit(Event(kept.tenant_id, "client.changed", kept.id, facts))
    return await unit.change(kept, **changes) if changes else kept


async def usable(reader: Reader, client_id: str) -> OAuthClient | None:
    """Return the client of this id, None for one that is not kept or has run out unused."""
    found = await reader.find(OAuthClient, client_id=client_id, limit=1)
    client = found[0] if found else None
    return None if client is None or (client.expires_at and client.expires_at <= reader.now) else client


def _method(given: Mapping[str, Any]) -> str:
    """Return how a client that registers will say who it is; what it may ask for is read here as well.

    Source: RFC 7591 §2: without a method it is `client_secret_basic`.
    """
    method = given.get("token_endpoint_auth_method", "client_secret_basic")
    grants, answers = given.get("grant_types", list(GRANTS[:1])), given.get("response_types", ["code"])
    if method not in METHODS:
        raise RegistrationRefused("invalid_client_metadata", f"token_endpoint_auth_method is one of {METHODS}.")
    if not isinstance(grants, list) or "authorization_code" not in grants:
        raise RegistrationRefused("invalid_client_metadata", "grant_types lacks authorization_code.")
    if not isinstance(answers, list) or "code" not in answers:
        raise RegistrationRefused("invalid_client_metadata", "response_types lacks code.")
    return str(method)
