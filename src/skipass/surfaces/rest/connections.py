"""Administration of connections and slugs over REST. A private key comes in and never goes out."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from skipass.access.sqlguard import canonical_scope
from skipass.gateway.connections import ConnectionRequest
from skipass.gateway.views import connection_view, server_view
from skipass.secret import Secret
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import NewConnection, NewServer, Segment, TestedConnection
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.views import check_body, credentialed_body

router = routes(CallerRoute, "connections")
slugs = routes(CallerRoute, "mcp-servers")


@router.post("/connections", status_code=201, response_model=shapes.Connection, summary="Register a connection")
async def create_connection(body: NewConnection, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Register a Snowflake target and open its MCP slug; the key is sealed as it arrives."""
    return await once(partial(gateway.connections.add, caller, _request(body)), connection_view)


@router.get("/connections", response_model=shapes.Page[shapes.Connection], summary="List connections by name")
async def list_connections(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the tenant's connections."""
    after = paging.CONNECTIONS.after(cursor) or ""
    found = await gateway.connections.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda connection: connection.name, connection_view))


@router.get("/connections/{name}", response_model=shapes.KnownConnection, summary="Show a connection")
async def show_connection(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Show a connection with the fingerprint of its public key."""
    return reply(credentialed_body(*await gateway.connections.show(caller, name)))


@router.post("/connections/{name}/test", response_model=shapes.Tested, summary="Test a connection")
async def check_connection(
    name: Segment, gateway: TheGateway, caller: Caller, body: TestedConnection | None = None
) -> Response:
    """Ask the account; `ok` is true when no check failed. A check that cannot be seen says null."""
    scope = canonical_scope(body.scope) if body and body.scope else None
    checks = await gateway.connections.test(caller, name, scope)
    return reply({"ok": all(c.ok is not False for c in checks), "checks": [check_body(c) for c in checks]})


@router.post("/connections/{name}/disable", response_model=shapes.Connection, summary="Disable a connection")
async def disable_connection(name: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Stop a connection; nothing on it is admitted any more."""
    return reply(connection_view(await gateway.connections.disable(caller, name)))


@slugs.post("/mcp-servers", status_code=201, response_model=shapes.McpServer, summary="Open a slug")
async def create_server(body: NewServer, gateway: TheGateway, caller: Caller, once: OnceFor) -> Response:
    """Open an MCP server at `/{slug}/mcp` over a connection."""
    view = partial(server_view, base_url=gateway.deps.base_url)
    return await once(partial(gateway.servers.add, caller, body.slug, body.connection), view)


@slugs.get("/mcp-servers", response_model=shapes.Page[shapes.McpServer], summary="List slugs")
async def list_servers(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """List the tenant's MCP servers by slug."""
    after = paging.SLUGS.after(cursor) or ""
    found = await gateway.servers.list(caller, after=after, limit=limit + 1)
    view = partial(server_view, base_url=gateway.deps.base_url)
    return reply(paging.page(found, limit, lambda server: server.slug, view))


@slugs.post("/mcp-servers/{slug}/disable", response_model=shapes.McpServer, summary="Close a slug")
async def disable_server(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Close an MCP server."""
    return reply(server_view(await gateway.servers.disable(caller, slug), gateway.deps.base_url))


def _request(body: NewConnection) -> ConnectionRequest:
    return ConnectionRequest(
        name=body.name,
        account=body.account,
        login=body.login,
        role=body.role,
        private_key=Secret(body.private_key.get_secret_value()),
        passphrase=Secret(body.passphrase.get_secret_value()) if body.passphrase else None,
        host=body.host,
        warehouse=body.warehouse,
        database=body.database,
        schema=body.schema_,
        allowed_roles=body.allowed_roles,
        policy=body.policy,
        slug=body.slug,
    )
