"""MCP clients as people administer them: added by hand, listed, stopped."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.client_documents import read_addresses, read_name
from skipass.gateway.consents import revoke_consent
from skipass.gateway.deps import Deps
from skipass.gateway.oauth_clients import keep_client, made_client
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.nouns.oauth import ClientKind, Consent, OAuthClient
from skipass.nouns.people import Life
from skipass.nouns.principal import Principal, Role
from skipass.secret import Secret

_MOST = 10_000


class McpClients:
    """The use cases of MCP clients that admins see."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def add(
        self, principal: Principal, name: str, redirect_uris: Sequence[str], *, public: bool
    ) -> tuple[OAuthClient, Secret[str] | None]:
        """Return a new client and its secret, shown once; a public one, which cannot keep one, has none."""
        by = require(principal, Role.ADMIN)
        given = {"client_name": name, "redirect_uris": list(redirect_uris)}
        addresses = read_addresses(given, self._deps.mcp_clients.schemes)
        called, secret = read_name(given), None if public else Secret(secrets.token_urlsafe(32))

        async def add(unit: UnitOfWork) -> tuple[OAuthClient, Secret[str] | None]:
            made = made_client(principal.tenant_id, ClientKind.REGISTERED, called, addresses, secret, unit.now)
            await keep_client(unit, made, {"by": by})
            return made, secret

        return await self._deps.journal.write(add)

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> Sequence[OAuthClient]:
        """Return the tenant's clients, oldest first; those that nobody used in time are not among them."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)

        async def load(reader: Reader) -> Sequence[OAuthClient]:
            where: dict[str, Any] = {"tenant_id": principal.tenant_id, "id__gt": after}
            lasting = await reader.find(OAuthClient, limit=limit, expires_at=None, **where)
            unused = await reader.find(OAuthClient, limit=limit, expires_at__gt=reader.now, **where)
            return sorted([*lasting, *unused], key=lambda one: one.id)[:limit]

        return await self._deps.journal.read(load)

    async def disable(self, principal: Principal, client_id: str) -> OAuthClient:
        """Stop a client, named by its id here or by the one it presents: every consent to it is taken back."""
        by = require(principal, Role.ADMIN)

        async def disable(unit: UnitOfWork) -> OAuthClient:
            client = await _found(unit, principal, client_id)
            for consent in await unit.find(Consent, client_id=client.id, revoked_at=None, limit=_MOST):
                await revoke_consent(unit, consent, by)
            unit.emit(Event(client.tenant_id, "client.disabled", client.id, {"by": by}))
            return await unit.change(client, state=Life.DISABLED, expires_at=None)

        return await self._deps.journal.write(disable)


async def _found(reader: Reader, principal: Principal, client_id: str) -> OAuthClient:
    found = await reader.get(OAuthClient, client_id, tenant_id=principal.tenant_id)
    if found is None:
        named = await reader.find(OAuthClient, client_id=client_id, tenant_id=principal.tenant_id, limit=1)
        found = named[0] if named else None
    if found is None:
        raise SkipassError("not_found", "There is no such MCP client.", "See skipass mcp-client list.")
    return found
