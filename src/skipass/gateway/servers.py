"""MCP servers: slugs at `/{slug}/mcp`, opened, changed and closed by admins. Nobody is let in until an admin says who.

A new connection opens a slug of its own, which lets in the agents that may use the connection anyway.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.shutting_out import end_shut_out
from skipass.gateway.slug_names import LISTS, Access, Shown, changed, shown
from skipass.ids import new_id
from skipass.nouns.connection import Connection, McpServer, Switch
from skipass.nouns.principal import Principal, Role

RESERVED = frozenset(
    {"api", "c", "oauth", "console", "connect", "issuers", "metrics", "healthz", "readyz", ".well-known", "sign-in"}
)
NOBODY = Access()
OF_CONNECTION = Access(agents_of_connection=True)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Servers:
    """The use cases of slugs."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def add(self, principal: Principal, slug: str, connection: str, access: Access = NOBODY) -> Shown:
        """Return a new slug with the built-in tools over a connection, named by name.

        Raises `unknown_connection`, `invalid_request` for what is no slug, `conflict` for one that is taken, and what
        `skipass.gateway.slug_names.changed` raises of who is let in.
        """
        by = require(principal, Role.ADMIN)

        async def add(unit: UnitOfWork) -> Shown:
            found = await unit.find(Connection, tenant_id=principal.tenant_id, name=connection, limit=1)
            if not found:
                raise SkipassError("unknown_connection", f"There is no connection {connection[:80]!r}.")
            return (await shown(unit, [await add_server(unit, found[0], slug, by, access)]))[0]

        return await self._deps.journal.write(add)

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[Shown]:
        """Return the tenant's slugs, in order of slug from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[Shown]:
            found = await reader.find(McpServer, order="slug", limit=limit, tenant_id=tenant_id, slug__gt=after)
            return await shown(reader, found)

        return await self._deps.journal.read(load)

    async def show(self, principal: Principal, slug: str) -> Shown:
        """Return one slug, or raise `not_found`."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)

        async def load(reader: Reader) -> Shown:
            return (await shown(reader, [await _named(reader, principal, slug)]))[0]

        return await self._deps.journal.read(load)

    async def change(self, principal: Principal, slug: str, access: Access, *, dry_run: bool = False) -> Shown:
        """Return the slug with others let in; what is open through MCP clients that no longer are ends with it.

        With `dry_run` it is only told what it would become. Raises as `add` does, and `not_found`.
        """
        by = require(principal, Role.ADMIN)

        async def change(unit: UnitOfWork) -> Shown:
            server = await _named(unit, principal, slug)
            fields = await changed(unit, server, access)
            if fields:
                unit.emit(Event(server.tenant_id, "mcp_server.changed", server.id, _told(server, fields) | {"by": by}))
                server = await unit.change(server, **fields)
                await end_shut_out(unit, by, connection_id=server.connection_id)
            return (await shown(unit, [server]))[0]

        async def would(reader: Reader) -> Shown:
            server = await _named(reader, principal, slug)
            return (await shown(reader, [replace(server, **await changed(reader, server, access))]))[0]

        return await (self._deps.journal.read(would) if dry_run else self._deps.journal.write(change))

    async def disable(self, principal: Principal, slug: str) -> Shown:
        """Close a slug; what MCP clients have open, and no other slug gives them, ends with it."""
        return await self._switch(principal, slug, Switch.DISABLED)

    async def enable(self, principal: Principal, slug: str) -> Shown:
        """Let a closed slug answer again, to those it let in before; what ended stays ended."""
        return await self._switch(principal, slug, Switch.ENABLED)

    async def _switch(self, principal: Principal, slug: str, to: Switch) -> Shown:
        by = require(principal, Role.ADMIN)

        async def switch(unit: UnitOfWork) -> Shown:
            server = await _named(unit, principal, slug)
            if server.state is not to:
                unit.emit(Event(server.tenant_id, f"mcp_server.{to.value}", server.id, {"by": by}))
                server = await unit.change(server, state=to)
                await end_shut_out(unit, by, connection_id=server.connection_id)
            return (await shown(unit, [server]))[0]

        return await self._deps.journal.write(switch)


async def add_server(
    unit: UnitOfWork,
    connection: Connection,
    slug: str,
    by: str,
    access: Access = OF_CONNECTION,
    *,
    upstream: str | None = None,
) -> McpServer:
    """Insert a slug, or raise `invalid_request` for one that is not a slug or is reserved; `conflict` if it is taken.

    `upstream` is the address of the managed server that it relays to. Raises also as `changed` of its names does.
    """
    slug = checked_slug(slug)
    made = new_id("mcp_server", unit.now)
    bare = McpServer(made, connection.tenant_id, slug, connection.id, unit.now, upstream=upstream)
    fields = await changed(unit, bare, access)
    server = replace(bare, **fields)
    await unit.insert(server)
    facts = {"slug": slug, "connection_id": connection.id, "by": by} | ({"upstream": upstream} if upstream else {})
    unit.emit(Event(connection.tenant_id, "mcp_server.created", server.id, facts | _told(bare, fields)))
    return server


def checked_slug(text: str) -> str:
    """Return a slug in the form of an address, or raise `invalid_request`."""
    slug = text.lower().replace("_", "-")
    if not _SLUG.fullmatch(slug) or slug in RESERVED:
        hint = f"1 to 40 of a-z, 0-9 and -, and none of {', '.join(sorted(RESERVED))}."
        raise SkipassError("invalid_request", f"{slug[:80]!r} cannot be a slug.", hint)
    return slug


async def _named(reader: Reader, principal: Principal, slug: str) -> McpServer:
    found = await reader.find(McpServer, tenant_id=principal.tenant_id, slug=slug, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no MCP server {slug[:80]!r}.", "See skipass mcp-server list.")
    return found[0]


def _told(server: McpServer, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what an event says of a change: of each list who came and who went, of the rest what it is now."""
    told = {name: value for name, value in fields.items() if name not in LISTS}
    for name in LISTS:
        before, after = getattr(server, name), fields.get(name, getattr(server, name))
        if before != after:
            added, removed = [one for one in after if one not in before], [one for one in before if one not in after]
            told[name] = {"added": added, "removed": removed}
    return told
