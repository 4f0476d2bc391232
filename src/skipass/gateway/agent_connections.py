"""Which connections an agent may use, changed later by an admin: one more, or one less, ending what is open there."""

from __future__ import annotations

from collections.abc import Sequence

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason

MOST = 200


class AgentConnections:
    """The use cases of an agent's connections."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def give(self, principal: Principal, agent: str, connection: str) -> Agent:
        """Let an agent use one more connection, by name; one that it may use already changes nothing.

        Nobody's session begins by it: each is asked for and decided as before. Raises `not_found`, and
        `invalid_request` for a person's MCP client, which comes by slugs alone.
        """
        by = require(principal, Role.ADMIN)

        async def give(unit: UnitOfWork) -> Agent:
            found, target = await _both(unit, principal, agent, connection)
            if target.id in found.connections:
                return found
            if len(found.connections) >= MOST:
                raise SkipassError("invalid_request", f"An agent has {MOST} connections at most.")
            return await _changed(unit, found, (*found.connections, target.id), by, {"connection_added": target.id})

        return await self._deps.journal.write(give)

    async def take(self, principal: Principal, agent: str, connection: str) -> Agent:
        """Take a connection from an agent: what it has open there ends now, and every slug of it closes to it."""
        by = require(principal, Role.ADMIN)

        async def take(unit: UnitOfWork) -> Agent:
            found, target = await _both(unit, principal, agent, connection)
            left = tuple(one for one in found.connections if one != target.id)
            if len(left) == len(found.connections):
                return found
            await cut(unit, by, EndReason.REVOKED, agent_id=found.id, connection_id=target.id)
            current = await unit.get(Agent, found.id) or found
            return await _changed(unit, current, left, by, {"connection_removed": target.id})

        return await self._deps.journal.write(take)


async def _both(unit: UnitOfWork, principal: Principal, agent: str, connection: str) -> tuple[Agent, Connection]:
    tenant_id = principal.tenant_id
    agents = await unit.find(Agent, tenant_id=tenant_id, name=agent, state=Life.ACTIVE, limit=1)
    targets = await unit.find(Connection, tenant_id=tenant_id, name=connection, limit=1)
    if not agents or not targets:
        noun, name = ("connection", connection) if agents else ("agent", agent)
        raise SkipassError("not_found", f"There is no {noun} {name[:80]!r}.", f"See skipass {noun} list.")
    if agents[0].client_id is not None:
        hint = "Let its person in at a slug: skipass mcp-server change."
        raise SkipassError("invalid_request", f"{agents[0].name} is an MCP client, and comes by slugs alone.", hint)
    return agents[0], targets[0]


async def _changed(unit: UnitOfWork, agent: Agent, connections: Sequence[str], by: str, what: dict[str, str]) -> Agent:
    unit.emit(Event(agent.tenant_id, "agent.changed", agent.id, {"connections": list(connections), "by": by, **what}))
    return await unit.change(agent, connections=tuple(connections))
