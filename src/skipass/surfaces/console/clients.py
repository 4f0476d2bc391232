"""MCP clients that are known here, and which of them people let act for them, for those who look after all of it."""

from __future__ import annotations

from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.consents import Given
from skipass.gateway.people import require
from skipass.nouns.oauth import OAuthClient
from skipass.nouns.people import Life
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked

PURPOSE = "clients"
HERE = "/console/clients"
_PAGE = 50


class ClientPages:
    """`/console/clients`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show a page of the clients, and to admins and auditors one of what is agreed to."""
        by, query = await self._frame.caller(asked), asked.named()
        clients = await self._gateway.mcp_clients.list(by.principal, after=query.get("after", ""), limit=_PAGE + 1)
        given = await self._consents(by.principal, query.get("since", ""))
        admin = Role.ADMIN in by.principal.roles
        return self._frame.page(
            "clients.html",
            by,
            here=HERE,
            clients=[_client(one) for one in clients[:_PAGE]],
            more=clients[_PAGE - 1].id if len(clients) > _PAGE else None,
            consents=[_consent(one) for one in given[:_PAGE]] if given is not None else None,
            more_consents=given[_PAGE - 1].consent.id if given is not None and len(given) > _PAGE else None,
            form=form_token(by.cookie, PURPOSE) if admin else None,
        )

    async def _consents(self, principal: Principal, after: str) -> list[Given] | None:
        """Return what everybody agreed to, None for who may not see it."""
        if not {Role.ADMIN, Role.AUDITOR} & principal.roles:
            return None
        return list(await self._gateway.consents.list(principal, after=after, limit=_PAGE + 1))

    async def change(self, asked: Asked) -> Reply:
        """Stop a client for everybody, or take one person's word for it back; for admins."""
        by, form = await self._frame.posted(asked, PURPOSE, "word", "what")
        require(by.principal, Role.ADMIN)
        match form["word"]:
            case "stop":
                await self._gateway.mcp_clients.disable(by.principal, form["what"])
            case "revoke":
                await self._gateway.consents.revoke(by.principal, form["what"])
            case _:
                raise SkipassError("invalid_request", "The form does not say what to do.")
        return moved(HERE)


def _client(client: OAuthClient) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "client_id": client.client_id,
        "kind": client.kind.value,
        "to": client.redirect_uris,
        "active": client.state is Life.ACTIVE,
        "at": client.created_at,
        "until": client.expires_at,
    }


def _consent(given: Given) -> dict[str, Any]:
    consent = given.consent
    return {
        "id": consent.id,
        "user": given.user.name,
        "client": given.client.name,
        "agent": given.agent.name,
        "resource": consent.resource,
        "scopes": " ".join(consent.scopes),
        "to": consent.redirect_to,
        "at": consent.created_at,
    }
