"""Administration of MCP servers over REST: opened, shown, changed, closed."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from skipass.gateway.account_views import registration_view
from skipass.gateway.relay_servers import Relayed
from skipass.gateway.views import server_view
from skipass.nouns.connection import Drift
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.servers_bodies import (
    AddedServer,
    ChangedServer,
    ClientConfig,
    ClientName,
    McpServer,
    NewServer,
)
from skipass.tools.snippets import Client, mcp_url, snippet

slugs = routes(CallerRoute, "mcp-servers")


@slugs.post("/mcp-servers", status_code=201, response_model=AddedServer, summary="Open a slug")
async def create_server(body: NewServer, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Open an MCP server at `/{slug}/mcp`: the built-in tools over a connection or, with `url`, a relay.

    Nobody is let in but those it names.
    """
    access, base_url = body.access(), gateway.deps.base_url
    if body.url is None:
        add = partial(gateway.servers.add, caller, body.slug, body.over(), access)
        return await once(add, lambda made: _added(Relayed(made), base_url))
    relay = partial(gateway.relays.add, connection=body.connection, client=body.client(), access=access)
    drift = access.drift or Drift.HELD
    return await once(partial(relay, caller, body.slug, body.url, drift=drift), partial(_added, base_url=base_url))


def _added(made: Relayed, base_url: str) -> dict[str, Any]:
    client = registration_view(made.registration, base_url) if made.registration else None
    return server_view(made.shown, base_url) | {"registration": client, "remarks": list(made.remarks)}


@slugs.get("/mcp-servers", response_model=shapes.Page[McpServer], summary="List slugs")
async def list_servers(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the tenant's MCP servers by slug."""
    after = paging.SLUGS.after(cursor) or ""
    found = await gateway.servers.list(caller, after=after, limit=limit + 1)
    view = partial(server_view, base_url=gateway.deps.base_url)
    return reply(paging.page(found, limit, lambda shown: shown.server.slug, view))


@slugs.get("/mcp-servers/{slug}", response_model=McpServer, summary="Show a slug")
async def show_server(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Show an MCP server and who is let in."""
    return reply(server_view(await gateway.servers.show(caller, slug), gateway.deps.base_url))


@slugs.post("/mcp-servers/{slug}/change", response_model=McpServer, summary="Change who is let in")
async def change_server(slug: Segment, body: ChangedServer, gateway: TheGateway, caller: Caller) -> Response:
    """Change who is let in, which tools are to be had, and which sessions serve; what is left out stays.

    Sessions of MCP clients that are let in no longer end at once.
    """
    access = body.access(body.add, body.remove)
    changed = await gateway.servers.change(caller, slug, access, dry_run=body.dry_run)
    return reply(server_view(changed, gateway.deps.base_url))


@slugs.post("/mcp-servers/{slug}/disable", response_model=McpServer, summary="Close a slug")
async def disable_server(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Close an MCP server; what MCP clients have open through it alone ends."""
    return reply(server_view(await gateway.servers.disable(caller, slug), gateway.deps.base_url))


@slugs.post("/mcp-servers/{slug}/enable", response_model=McpServer, summary="Open a slug again")
async def enable_server(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Let a closed MCP server answer again, to those it let in before."""
    return reply(server_view(await gateway.servers.enable(caller, slug), gateway.deps.base_url))


@slugs.get("/mcp-servers/{slug}/config", response_model=ClientConfig, summary="Show a client's configuration")
async def client_config(
    slug: Segment,
    gateway: TheGateway,
    caller: Caller,
    client: Annotated[ClientName, Query(description="The MCP client.")] = "claude-code",
    key: Annotated[bool, Query(description="For an agent with a key; without, the client signs its user in.")] = False,
) -> Response:
    """Show what to paste into an MCP client to reach a slug, and its one-click link; no key is ever in it."""
    server = (await gateway.servers.show(caller, slug)).server
    shown = snippet(Client(client), server.slug, mcp_url(gateway.deps.base_url, server.slug), key=key)
    return reply({"client": client, "title": shown.title, "file": shown.file, "text": shown.text, "link": shown.link})
