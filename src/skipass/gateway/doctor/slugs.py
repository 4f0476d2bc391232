"""What can be seen of a slug without asking Snowflake: is it open, is anybody let in, do its tools lead anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from skipass.gateway.doctor.findings import Finding, failed, ok, unseen
from skipass.gateway.ports import Reader
from skipass.nouns.connection import Connection, McpServer, SlugSessions, Switch
from skipass.nouns.groups import MemberKind, Membership
from skipass.nouns.mcp_tool import McpTool, PinState
from skipass.nouns.people import Agent, Life, User

_MOST = 100_000
_ASKING = "skipass_request_session"


async def look(reader: Reader, server: McpServer, connection: Connection) -> list[Finding]:
    """Return what is found about a slug, in the order of its steps."""
    found = [_open(server, connection), await _let_in(reader, server)]
    found += [one async for one in _groups(reader, server)]
    if server.upstream is None:
        found += _tools(server, connection)
    else:
        found.append(await _pins(reader, server))
    return found


def _open(server: McpServer, connection: Connection) -> Finding:
    if server.state is Switch.DISABLED:
        fix = f"skipass mcp-server enable {server.slug}"
        return failed("slug", "slug_disabled", f"{server.slug} is closed", "An admin disabled it.", fix)
    kind = "relays to a managed server" if server.upstream else "has the built-in tools"
    return ok("slug", f"{server.slug} is open over {connection.name} and {kind}")


async def _let_in(reader: Reader, server: McpServer) -> Finding:
    people, agents = await _people(reader, server), await _agents(reader, server)
    if not people and not agents:
        fix = f"skipass mcp-server change {server.slug} --user NAME, --group NAME or --agent NAME"
        cause = "Its lists are empty, or everybody on them is disabled or may not use the connection."
        return failed("let in", "nobody_let_in", "nobody is let in", cause, fix)
    narrowed = f", by {len(server.clients)} MCP client(s) only" if server.clients else ""
    return ok("let in", f"{people} people through MCP clients{narrowed}, {agents} agent(s) by their keys")


async def _people(reader: Reader, server: McpServer) -> int:
    """Return how many active people are let in, each once."""
    ids = set(server.users)
    if server.groups:
        of: dict[str, Any] = {"tenant_id": server.tenant_id, "name": server.groups, "removed_at": None}
        ids |= {one.member_id for one in await reader.find(Membership, limit=_MOST, **of)}
    everybody = await reader.find(User, tenant_id=server.tenant_id, state=Life.ACTIVE, end_user_of=None, limit=_MOST)
    return sum(1 for person in everybody if person.id in ids)


async def _agents(reader: Reader, server: McpServer) -> int:
    found = await reader.find(Agent, tenant_id=server.tenant_id, state=Life.ACTIVE, client_id=None, limit=_MOST)
    mine = [agent for agent in found if server.connection_id in agent.connections]
    return len(mine) if server.agents_of_connection else sum(1 for agent in mine if agent.id in server.agents)


async def _groups(reader: Reader, server: McpServer) -> AsyncIterator[Finding]:
    for name in server.groups:
        found = await reader.find(Membership, tenant_id=server.tenant_id, name=name, removed_at=None, limit=_MOST)
        if not any(one.kind is MemberKind.USER for one in found):
            seen = f"nobody is in the group {name} yet"
            yield unseen("groups", seen, f"A sign-in may bring it; or: skipass user group add {name} NAME")


def _tools(server: McpServer, connection: Connection) -> list[Finding]:
    automatic = server.sessions is SlugSessions.AUTOMATIC and connection.policy.get("automatic")
    if server.tools and _ASKING not in server.tools and not automatic:
        cause = "Nothing runs without a session, none opens by itself, and the tool that asks for one is left out."
        fix = f"skipass mcp-server change {server.slug} --tool {_ASKING}"
        return [failed("tools", "no_session_tool", f"{len(server.tools)} tools are to be had", cause, fix)]
    return [ok("tools", f"{len(server.tools)} tools are to be had")] if server.tools else []


async def _pins(reader: Reader, server: McpServer) -> Finding:
    tools = await reader.find(McpTool, server_id=server.id, limit=_MOST)
    if not tools:
        return unseen(
            "pins", "no tool was seen yet", f"skipass mcp-server test {server.slug}, once an account is linked"
        )
    by = {state: [tool.name for tool in tools if tool.state is state] for state in PinState}
    told = "; ".join(f"{state.value}: {', '.join(names)}" for state, names in by.items() if names)
    if by[PinState.DRIFTED] or by[PinState.NEW]:
        cause = "Upstream shows other tools than those that were pinned."
        fix = f"Look at them: skipass mcp-server tools {server.slug}"
        return failed("pins", "tools_drifted", told, cause, fix)
    return ok("pins", told)
