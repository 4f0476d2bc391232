"""MCP clients and what people agreed to, over REST. A client's secret is shown in one answer and never again."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from skipass.gateway.consents import Given
from skipass.gateway.views import when
from skipass.nouns.oauth import OAuthClient
from skipass.secret import Secret
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import Body, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.tools.fields import Name

router = routes(CallerRoute, "mcp-clients")


class NewClient(Body):
    """Body of `POST /mcp-clients`."""

    name: Name = Field(description="What people are told it is.", examples=["Reports"])
    redirect_uris: list[str] = Field(
        min_length=1,
        max_length=20,
        description="Where browsers are sent back to, character by character; on loopback any port will do.",
        examples=[["https://reports.example.com/oauth/callback"]],
    )
    public: bool = Field(default=False, description="It cannot keep a secret: it runs on people's own machines.")


class McpClient(shapes.Shape):
    """An MCP client: added by an admin, known by its document, or registered by itself."""

    id: str = Field(examples=["cli_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    kind: Literal["registered", "document", "dynamic"]
    client_id: str = Field(description="What it presents; of a document, its address.")
    name: str = Field(description="A claim of its own, except of a registered one.", examples=["Reports"])
    redirect_uris: list[str]
    state: Literal["active", "disabled"]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(description="When it is forgotten unless somebody agrees to it before.")


class MadeClient(McpClient):
    """A new client; the secret is in this answer only."""

    client_secret: str | None = Field(default=None, description="Shown once; null for a public client.")


class Consent(shapes.Shape):
    """One person's word that one client may act for them at one slug."""

    id: str = Field(examples=["cns_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    user: str = Field(examples=["sam"])
    client: str = Field(description="The client's name.", examples=["Reports"])
    client_id: str
    agent: str = Field(description="The agent that the client is for this person; sessions and events name it.")
    resource: str = Field(description="The slug's address.", examples=["https://skipass.example.com/ops/mcp"])
    scopes: list[str] = Field(examples=[["tools:read", "sessions:request"]])
    redirect_to: str = Field(description="Where the browser was sent.", examples=["https://reports.example.com"])
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None


@router.post("/mcp-clients", status_code=201, response_model=MadeClient, summary="Add an MCP client")
async def create_mcp_client(body: NewClient, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Add a client by hand; `client_secret` is in this answer only, and a public client has none."""
    add = partial(gateway.mcp_clients.add, caller, body.name, body.redirect_uris, public=body.public)
    return await once(add, _plain, shown_once=_secret)


@router.get("/mcp-clients", response_model=shapes.Page[McpClient], summary="List MCP clients")
async def list_mcp_clients(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the clients that are known, the oldest first."""
    found = await gateway.mcp_clients.list(caller, after=paging.CLIENTS.after(cursor) or "", limit=limit + 1)
    return reply(paging.page(found, limit, lambda one: one.id, client_view))


@router.post("/mcp-clients/{id}/disable", response_model=McpClient, summary="Stop an MCP client")
async def disable_mcp_client(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Stop a client for everybody: its tokens stop, its consents are taken back, and nobody can agree to it again."""
    return reply(client_view(await gateway.mcp_clients.disable(caller, id)))


@router.get("/consents", response_model=shapes.Page[Consent], summary="List what people agreed to")
async def list_consents(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List which clients act for whom, the oldest first: your own, or as an admin or auditor everybody's."""
    found = await gateway.consents.list(caller, after=paging.CONSENTS.after(cursor) or "", limit=limit + 1)
    return reply(paging.page(found, limit, lambda one: one.consent.id, consent_view))


@router.post("/consents/{id}/revoke", response_model=Consent, summary="Take a consent back")
async def revoke_consent(id: Segment, gateway: TheGateway, caller: Caller) -> Response:  # noqa: A002
    """Take back your own consent, or as an admin anybody's: its tokens stop, and what the client has open ends."""
    return reply(consent_view(await gateway.consents.revoke(caller, id)))


def client_view(client: OAuthClient) -> dict[str, object]:
    """Return a client, never its secret."""
    return {
        "id": client.id,
        "kind": client.kind.value,
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "state": client.state.value,
        "created_at": when(client.created_at),
        "expires_at": when(client.expires_at),
    }


def consent_view(given: Given) -> dict[str, object]:
    """Return a consent with the names of whom it is about."""
    consent = given.consent
    return {
        "id": consent.id,
        "user": given.user.name,
        "client": given.client.name,
        "client_id": given.client.client_id,
        "agent": given.agent.name,
        "resource": consent.resource,
        "scopes": list(consent.scopes),
        "redirect_to": consent.redirect_to,
        "created_at": when(consent.created_at),
        "revoked_at": when(consent.revoked_at),
    }


def _plain(made: tuple[OAuthClient, Secret[str] | None]) -> dict[str, object]:
    return client_view(made[0])


def _secret(made: tuple[OAuthClient, Secret[str] | None]) -> dict[str, object]:
    return {"client_secret": made[1].reveal() if made[1] is not None else None}
