"""What an admin is told of the programs that use a connection: its slugs, its agents, and what to paste where."""

from __future__ import annotations

from typing import Any

from skipass.gateway.core import Gateway
from skipass.nouns.connection import Connection, Switch
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal
from skipass.tools.snippets import Client, mcp_url, snippet

MOST = 20
"""How many slugs and agents are named; the others are in their own lists."""
_FIRST = (Client.CLAUDE_CODE, Client.CURSOR, Client.VSCODE)


async def programs(gateway: Gateway, principal: Principal, connection: Connection) -> dict[str, Any]:
    """Return the open slugs that lead to a connection, who of them lets this person in, and the agents it is for."""
    over = [one for one in await gateway.servers.list(principal) if one.connection == connection.name]
    there = [one for one in over if one.server.state is Switch.ENABLED and one.server.upstream is None]
    mine = [one.server.slug for one in there if principal.user_id in one.server.users]
    agents = [one.name for one in await gateway.agents.list(principal) if _is_for(one, connection)]
    shown = agents[:MOST] + ([f"{len(agents) - MOST} more"] if len(agents) > MOST else [])
    return {"slugs": [one.server.slug for one in there][:MOST], "mine": mine, "agents": shown}


def snippets(base_url: str, slug: str, *, key: bool) -> dict[str, Any]:
    """Return what to paste into each program for a slug: the three that most people use, and the others."""
    url = mcp_url(base_url, slug)
    return {
        "url": url,
        "first": [snippet(one, slug, url, key=key) for one in _FIRST],
        "others": [snippet(one, slug, url, key=key) for one in Client if one not in _FIRST],
    }


def _is_for(agent: Agent, connection: Connection) -> bool:
    return agent.state is Life.ACTIVE and connection.id in agent.connections
