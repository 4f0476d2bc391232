"""MCP servers: slugs at `/{slug}/mcp`. A slug lets in the agents that may use its connection."""

from __future__ import annotations

import re

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.ids import new_id
from skipass.nouns.connection import Connection, McpServer, Switch
from skipass.nouns.principal import Principal, Role

RESERVED = frozenset(
    {"api", "c", "oauth", "console", "connect", "issuers", "metrics", "healthz", "readyz", ".well-known", "sign-in"}
)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Servers:
    """The use cases of slugs."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def add(self, principal: Principal, slug: str, connection: str) -> McpServer:
        """Return a new slug over a connection, named by name."""
        by = require(principal, Role.ADMIN)

        async def add(unit: UnitOfWork) -> McpServer:
            found = await unit.find(Connection, tenant_id=principal.tenant_id, name=connection, limit=1)
            if not found:
                raise SkipassError("unknown_connection", f"There is no connection {connection[:80]!r}.")
            return await add_server(unit, found[0], slug, by)

        return await self._deps.journal.write(add)

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[McpServer]:
        """Return the tenant's slugs, in order of slug from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[McpServer]:
            return await reader.find(McpServer, order="slug", limit=limit, tenant_id=tenant_id, slug__gt=after)

        return await self._deps.journal.read(load)

    async def disable(self, principal: Principal, slug: str) -> McpServer:
        """Close a slug."""
        by = require(principal, Role.ADMIN)

        async def disable(unit: UnitOfWork) -> McpServer:
            found = await unit.find(McpServer, tenant_id=principal.tenant_id, slug=slug, limit=1)
            if not found:
                raise SkipassError("not_found", f"There is no MCP server {slug[:80]!r}.")
            unit.emit(Event(principal.tenant_id, "mcp_server.disabled", found[0].id, {"by": by}))
            return await unit.change(found[0], state=Switch.DISABLED)

        return await self._deps.journal.write(disable)


async def add_server(unit: UnitOfWork, connection: Connection, slug: str, by: str) -> McpServer:
    """Insert a slug, or raise `invalid_request` for one that is not a slug or is reserved."""
    slug = slug.lower().replace("_", "-")
    if not _SLUG.fullmatch(slug) or slug in RESERVED:
        hint = f"1 to 40 of a-z, 0-9 and -, and none of {', '.join(sorted(RESERVED))}."
        raise SkipassError("invalid_request", f"{slug[:80]!r} cannot be a slug.", hint)
    server = McpServer(
        new_id("mcp_server", unit.now),
        connection.tenant_id,
        slug,
        connection.id,
        unit.now,
        agents_of_connection=True,
    )
    await unit.insert(server)
    facts = {"slug": slug, "connection_id": connection.id, "by": by}
    unit.emit(Event(connection.tenant_id, "mcp_server.created", server.id, facts))
    return server
