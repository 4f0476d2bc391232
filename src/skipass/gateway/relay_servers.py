"""Relays, as admins make and keep them: registered by an upstream's address, and what is decided about each tool.

The address must be on the connection's own account host: its users' tokens go nowhere else. Nobody is let in at first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from skipass.errors import SkipassError
from skipass.gateway.client_drafting import ClientRequest
from skipass.gateway.connections import insert_connection
from skipass.gateway.deps import Deps
from skipass.gateway.drafting import ConnectionRequest, Draft, draft
from skipass.gateway.oauth_metadata import read_metadata, role_in
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.relay_merging import Change, accepted, declared
from skipass.gateway.relay_pins import Pins, write_change
from skipass.gateway.relay_reading import Facts
from skipass.gateway.servers import add_server
from skipass.gateway.slug_names import Access, Shown, shown
from skipass.gateway.way_out import Out, ways_out
from skipass.nouns.account import Registration
from skipass.nouns.connection import AuthMethod, Connection, Drift, McpServer
from skipass.nouns.mcp_tool import McpTool, PinState, ToolEffect, ToolRule
from skipass.nouns.principal import Principal, Role
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.mcp.address import Address, parse_server_url

NOBODY = Access()
_Decide = Callable[[McpTool, UnitOfWork], Change]


@dataclass(frozen=True, slots=True)
class UpstreamClient:
    """A connection to be made with a relay, from an `oauth_metadata` object exactly as people have it.

    The role is the one that the object's scope names, or `role`. `account` is needed where the address does not tell
    it; `host` overrides the account's own, as for PrivateLink.
    """

    oauth_metadata: Mapping[str, Any]
    role: str | None = None
    account: str | None = None
    warehouse: str | None = None
    allowed_roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Relayed:
    """A relay as it was made, the client at its authorization server where one came with it, and remarks."""

    shown: Shown
    registration: Registration | None = None
    remarks: tuple[str, ...] = ()


class RelayServers:
    """The use cases of relays."""

    def __init__(self, deps: Deps, pins: Pins) -> None:
        self._deps, self.pins = deps, pins

    async def add(
        self,
        principal: Principal,
        slug: str,
        url: str,
        *,
        connection: str | None = None,
        client: UpstreamClient | None = None,
        access: Access = NOBODY,
        drift: Drift = Drift.HELD,
        look: bool = True,
    ) -> Relayed:
        """Return a new relay over an existing connection, by its name, or over one that is made from `client`.

        Its tools are pinned now where this admin has a way to `look` at them, else at the first use. Raises
        `invalid_request` for an address that is none, or on another host than the connection's, `missing_field`,
        `unknown_connection`, and what `skipass.gateway.servers.Servers.add` raises.
        """
        by = require(principal, Role.ADMIN)
        address = _address(url)
        made = await self._drafted(principal, slug, address, client) if client is not None else None
        if (made is None) is (connection is None):
            raise SkipassError(
                "missing_field", "A relay takes a connection, or an oauth_metadata object for a new one."
            )

        async def add(unit: UnitOfWork) -> Relayed:
            over = await _over(unit, principal, connection or "", made, by)
            _same_host(address, over)
            server = await add_server(unit, over, slug, by, access, upstream=address.url)
            server = await unit.change(server, drift=drift) if drift is not server.drift else server
            remarks = (*(made.remarks if made else ()), *_rewritten(address))
            return Relayed((await shown(unit, [server]))[0], made.registration if made else None, remarks)

        relayed = await self._deps.journal.write(add)
        seen = await self._first_look(principal, relayed.shown.server) if look else ()
        return replace(relayed, remarks=(*relayed.remarks, *seen))

    async def _drafted(self, principal: Principal, slug: str, address: Address, client: UpstreamClient) -> Draft:
        read = read_metadata(client.oauth_metadata)
        role = client.role or role_in(read.scope)
        if not role:
            message = "The scope of oauth_metadata names no role, so say which one."
            raise SkipassError(
                "missing_field", message, "Such as session:role:AGENT_ROLE.", details={"fields": ["role"]}
            )
        own = urlsplit(str(read.kept.get("token_endpoint") or "")).hostname == address.target.host
        asked = ClientRequest(client_id=read.client_id, secret=read.client_secret, auth=read.client_auth)
        request = ConnectionRequest(
            name=slug,
            role=role,
            account=client.account or _account(address),
            host=address.target.base_url,
            warehouse=client.warehouse,
            allowed_roles=client.allowed_roles,
            auth_method=AuthMethod.SNOWFLAKE_OAUTH if own else AuthMethod.EXTERNAL_OAUTH,
            client=asked if own else ClientRequest(oauth_metadata=client.oauth_metadata),
        )
        return await draft(self._deps, principal.tenant_id, request)

    async def _first_look(self, principal: Principal, server: McpServer) -> tuple[str, ...]:
        out = await self._out(principal, server)
        if out is None:
            return ("Its tools are pinned at the first use: you have no account on the connection yet.",)
        try:
            await self.pins.view(server, out)
        except SkipassError as error:
            return (f"Its tools could not be looked at yet: {error.message} {error.hint}".strip(),)
        return ()

    async def _out(self, principal: Principal, server: McpServer) -> Out | None:
        async def load(reader: Reader) -> Out | None:
            connection = await reader.get(Connection, server.connection_id)
            if connection is None:
                return None
            whose = {"tenant_id": principal.tenant_id, "user_id": principal.user_id or ""}
            ways = await ways_out(reader, connection=connection, **whose)
            return ways.any(connection.role) if ways.credentials else None

        return await self._deps.journal.read(load)

    async def tools(self, principal: Principal, slug: str, *, look: bool = False) -> tuple[McpTool, ...]:
        """Return the pins of a relay, in order of name; with `look` after a look at the upstream now.

        Raises `not_found`, `consent_required` where there is no way to look, and the upstream's refusal.
        """
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        server = await self._server(principal, slug)
        if look:
            out = await self._out(principal, server)
            if out is None:
                raise SkipassError("consent_required", "You have no account on the relay's connection.")
            self.pins.forget(server.id)
            await self.pins.view(server, out)
        return await self.pins.stored(server.id)

    async def unlike(self, principal: Principal, server_ids: Sequence[str]) -> Mapping[str, int]:
        """Return how many tools of each of these relays are not as they were pinned, of those that have any."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        ids = tuple(server_ids)

        async def load(reader: Reader) -> Mapping[str, int]:
            where: dict[str, Any] = {"tenant_id": principal.tenant_id, "server_id": ids, "state__ne": PinState.PINNED}
            found = await reader.counts(McpTool, ("server_id",), **where)
            return {str(server_id): count for (server_id,), count in found.items()}

        return await self._deps.journal.read(load) if ids else {}

    async def pin(self, principal: Principal, slug: str, name: str, digest: str) -> McpTool:
        """Return a tool pinned as it is seen now, by the hash that the admin looked at; `conflict` if that changed."""
        by = require(principal, Role.ADMIN)

        def pin(tool: McpTool, unit: UnitOfWork) -> Change:
            if tool.state in (PinState.GONE, PinState.UNFIT):
                raise SkipassError("conflict", f"{tool.name} is {tool.state.value}: {tool.why or 'it is not there'}.")
            return accepted(tool, by, unit.now)

        return await self._decided(principal, slug, name, digest, pin, "mcp_tool.pinned")

    async def rule(self, principal: Principal, slug: str, name: str, digest: str, rule: ToolRule) -> McpTool:
        """Return a tool with another rule, for that very hash; `conflict` if it is pinned with another one."""
        require(principal, Role.ADMIN)

        def decide(tool: McpTool, unit: UnitOfWork) -> Change:
            if tool.effect is ToolEffect.UNKNOWN or tool.state is not PinState.PINNED:
                raise SkipassError("conflict", f"{tool.name} is not pinned.", "Pin it first.")
            return Change(replace(tool, rule=rule), tool, {"rule": rule})

        return await self._decided(principal, slug, name, digest, decide, "mcp_tool.ruled", rule=rule.value)

    async def declare(self, principal: Principal, slug: str, name: str, digest: str, facts: Facts) -> McpTool:
        """Return a tool pinned with the type and object that an admin names: where nobody may DESCRIBE the server."""
        by = require(principal, Role.ADMIN)

        def declare(tool: McpTool, unit: UnitOfWork) -> Change:
            return declared(tool, facts, by, unit.now)

        return await self._decided(principal, slug, name, digest, declare, "mcp_tool.pinned")

    async def _decided(
        self, principal: Principal, slug: str, name: str, digest: str, decide: _Decide, kind: str, **told: str
    ) -> McpTool:
        server = await self._server(principal, slug)

        async def work(unit: UnitOfWork) -> McpTool:
            found = await unit.find(McpTool, server_id=server.id, name=name, limit=1)
            if not found:
                raise SkipassError("not_found", f"There is no tool {name[:80]!r} at {slug}.")
            if found[0].current_hash != digest:
                raise SkipassError("conflict", "The tool is not the one you looked at.", "Look at it again.")
            return await write_change(unit, decide(found[0], unit), kind, by=principal.user_id or "", **told)

        return await self._deps.journal.write(work)

    async def _server(self, principal: Principal, slug: str) -> McpServer:
        async def load(reader: Reader) -> list[McpServer]:
            return await reader.find(McpServer, tenant_id=principal.tenant_id, slug=slug, limit=1)

        found = await self._deps.journal.read(load)
        if not found or found[0].upstream is None:
            raise SkipassError("not_found", f"There is no relay {slug[:80]!r}.", "See skipass mcp-server list.")
        return found[0]


async def _over(unit: UnitOfWork, principal: Principal, name: str, made: Draft | None, by: str) -> Connection:
    if made is not None:
        return await insert_connection(unit, made, by)
    found = await unit.find(Connection, tenant_id=principal.tenant_id, name=name, limit=1)
    if not found:
        raise SkipassError(
            "unknown_connection", f"There is no connection {name[:80]!r}.", "See skipass connection list."
        )
    return found[0]


def _address(url: str) -> Address:
    try:
        return parse_server_url(url)
    except SnowflakeConfigError as error:
        raise SkipassError("invalid_request", error.message, error.hint) from None


def _same_host(address: Address, connection: Connection) -> None:
    if connection.template or not connection.host:
        raise SkipassError("invalid_request", "A template has no account of its own, so it has no MCP server either.")
    own = target_of(None, connection.host)
    if own.base_url != address.target.base_url:
        message = f"The address is on {address.target.base_url}, and the connection is to {own.base_url}."
        raise SkipassError("invalid_request", message, "Its users' tokens go to their own account alone.")


def _account(address: Address) -> str:
    try:
        parse_account(address.target.host)
    except SnowflakeConfigError:
        hint = "Give the account beside the address."
        raise SkipassError("missing_field", "The host does not tell the account.", hint) from None
    return address.target.host


def _rewritten(address: Address) -> tuple[str, ...]:
    if not address.rewritten:
        return ()
    return (f"The host has no underscores: it is {address.target.host}, which its certificate covers.",)
