"""Who is let in at a slug, and what that gives them. A closed door looks like no door.

Software with a key of its own comes by its connections; somebody's MCP client comes by the slug alone: no slug that
lets it in, no connection. It is judged again at every call and in the transaction that admits a statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.ports import Reader
from skipass.nouns.connection import McpServer, Switch
from skipass.nouns.groups import Membership
from skipass.nouns.people import ActsFor, Agent
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement
from skipass.tools.session_tools import SESSION_TOOLS

OF_RELAYS = frozenset({spec.name for spec in SESSION_TOOLS} | {"snowflake_get_query_status", "snowflake_cancel_query"})
"""Our own tools at a relay's slug: without them nothing could be asked for, collected or given back."""
_MOST = 100_000
_HINT = "See skipass mcp-server list."


def lets_in(server: McpServer, agent: Agent, groups: Iterable[str]) -> bool:
    """Return whether an open slug lets an agent in, where `groups` are the names of its owner's groups."""
    if server.state is not Switch.ENABLED or server.tenant_id != agent.tenant_id:
        return False
    if agent.client_id is None:
        named = server.agents_of_connection or agent.id in server.agents
        return named and server.connection_id in agent.connections
    return agent.acts_for is ActsFor.OWNER and lets_person_in(server, agent.owner_id, groups, agent.client_id)


def lets_person_in(server: McpServer, user_id: str, groups: Iterable[str], client_id: str) -> bool:
    """Return whether a slug lets a person in through the OAuth client of that id, named or by one of `groups`."""
    return (not server.clients or client_id in server.clients) and names_person(server, user_id, groups)


def names_person(server: McpServer, user_id: str, groups: Iterable[str]) -> bool:
    """Return whether a slug names a person or one of their `groups`."""
    return user_id in server.users or not set(server.groups).isdisjoint(groups)


def offers(server: McpServer, tool: str) -> bool:
    """Return whether a tool is to be had at a slug, where that is narrowed."""
    if server.upstream is not None and tool in OF_RELAYS:
        return True
    return not server.tools or tool in server.tools


async def groups_of_person(reader: Reader, user_id: str) -> frozenset[str]:
    """Return the names of the groups that a person is in now."""
    found = await reader.find(Membership, member_id=user_id, removed_at=None, limit=_MOST)
    return frozenset(one.name for one in found)


async def open_server(reader: Reader, agent: Agent, slug: str) -> McpServer:
    """Return the slug if this agent is let in, else raise `not_found`: a closed door looks like no door."""
    servers = await reader.find(McpServer, tenant_id=agent.tenant_id, slug=slug, state=Switch.ENABLED, limit=1)
    groups = await _groups(reader, agent)
    for server in servers:
        if lets_in(server, agent, groups):
            return server
    raise SkipassError("not_found", f"There is no MCP server {slug[:80]!r} for this agent.", _HINT)


async def connections_of(reader: Reader, agent: Agent) -> frozenset[str]:
    """Return the ids of the connections an agent may use: its own, or for an MCP client those of its slugs."""
    if agent.client_id is None:
        return frozenset(agent.connections)
    servers = await reader.find(McpServer, tenant_id=agent.tenant_id, state=Switch.ENABLED, limit=_MOST)
    groups = await _groups(reader, agent)
    return frozenset(server.connection_id for server in servers if lets_in(server, agent, groups))


async def may_use(reader: Reader, agent: Agent, connection_id: str) -> bool:
    """Return whether an agent may use a connection now."""
    if agent.client_id is None:
        return connection_id in agent.connections
    of_connection: dict[str, Any] = {"tenant_id": agent.tenant_id, "connection_id": connection_id}
    servers = await reader.find(McpServer, limit=_MOST, **of_connection)
    groups = await _groups(reader, agent) if servers else frozenset()
    return any(lets_in(server, agent, groups) for server in servers)


async def check_call(
    reader: Reader, agent: Agent, server: McpServer, tool: str, *, session_id: str | None, handle: str | None
) -> None:
    """Raise unless a call by a slug stays with it: `unknown_tool` where it is narrowed, `not_found` for what is else's.

    A session or a statement of another connection is not there, also where it is the same agent's: what was let in at
    one slug reads nothing of the other.
    """
    if not offers(server, tool):
        hint = f"It has: {', '.join(server.tools)}."
        raise SkipassError("unknown_tool", f"There is no such tool at {server.slug}.", hint)
    here: dict[str, Any] = {"tenant_id": agent.tenant_id, "agent_id": agent.id, "connection_id": server.connection_id}
    if session_id is not None and await reader.get(AccessSession, session_id, **here) is None:
        raise SkipassError("not_found", "There is no such session for this caller.")
    if handle is not None and not (
        await reader.get(Statement, handle, **here) or await reader.find(Statement, handle=handle, limit=1, **here)
    ):
        hint = "Use the statementHandle exactly as it was given to you."
        raise SkipassError("not_found", "There is no such statement for this caller.", hint)


async def still_let_in(reader: Reader, agent: Agent, connection_id: str, server: McpServer | None) -> bool:
    """Return whether what let an agent in holds: the slug it came by is as it was read, or a connection is still its.

    To be asked in the transaction that admits; who is in which group is told by the version of the person.
    """
    if server is None:
        return await may_use(reader, agent, connection_id)
    return await reader.get(McpServer, server.id, version=server.version) is not None


async def _groups(reader: Reader, agent: Agent) -> frozenset[str]:
    return await groups_of_person(reader, agent.owner_id) if agent.client_id is not None else frozenset()
