"""Standing: what one call is judged under, read in one view: caller, connection, ways out, limits and rules."""

from __future__ import annotations

from dataclasses import dataclass

from skipass.access.policy import ConnectionPolicy
from skipass.errors import SkipassError
from skipass.gateway.account_access import personal
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, Versions
from skipass.gateway.rules import Rules, rules_for
from skipass.gateway.way_out import Out, Ways, consent_required, ways_out
from skipass.nouns.connection import Connection, McpServer, Switch
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession


@dataclass(frozen=True, slots=True)
class Standing:
    """The caller (an agent, for `user_id`), the connection, what it could be left by, limits and rules.

    `policy` holds the connection's own limits, `rules` what is in force on top of them.
    """

    principal: Principal
    user_id: str
    agent: Agent
    connection: Connection
    ways: Ways
    policy: ConnectionPolicy
    rules: Rules

    def versions(self, session: AccessSession) -> Versions:
        """Return every version that admission compares again."""
        principal, credential = self.principal, self.out(session).credential
        return Versions(
            session=session.version,
            agent=(self.agent.id, self.agent.version),
            user=(self.user_id, principal.user_version),
            connection=(self.connection.id, self.connection.version),
            credential=(credential.id, credential.generation),
        )

    def out(self, session: AccessSession) -> Out:
        """Return the way out for a session's role, or raise `consent_required` with a link for that very role."""
        return self.ways.by(session.role, session.expires_at, session.id)

    @property
    def roles(self) -> frozenset[str]:
        """The roles a session may have."""
        return frozenset({self.connection.role, *self.connection.allowed_roles})


async def standing(deps: Deps, principal: Principal, *, slug: str | None = None, name: str | None = None) -> Standing:
    """Return the standing of an agent on the connection behind a slug, of a name, or on its only one.

    Raises `forbidden` for a person, `unknown_connection`, `connection_required` with the names, or
    `consent_required` when there is no active credential.
    """
    if principal.agent_id is None or principal.user_id is None:
        raise SkipassError("forbidden", "Only agents run statements.", "Use an agent's key; see skipass agent create.")
    agent_id, user_id = principal.agent_id, principal.user_id

    async def load(reader: Reader) -> Standing:
        agent = await reader.get(Agent, agent_id, tenant_id=principal.tenant_id, state=Life.ACTIVE)
        if agent is None:
            raise SkipassError("unauthenticated", "The agent is disabled.")
        connection = await _connection(reader, agent, slug, name)
        user = await reader.get(User, user_id, tenant_id=principal.tenant_id)
        if user is None:
            raise SkipassError("unauthenticated", "There is no such user any more.")
        base_url = deps.base_url if user.end_user_of is None else ""
        whose = {"tenant_id": principal.tenant_id, "user_id": user_id, "base_url": base_url}
        ways = await ways_out(reader, connection=connection, **whose)
        if not ways.credentials:
            raise consent_required(connection, connection.role, base_url)
        connection = personal(connection, ways.account)
        rules = await rules_for(deps, reader, connection, agent, user)
        return Standing(principal, user_id, agent, connection, ways, rules.limits(connection), rules)

    return await deps.journal.read(load)


async def _connection(reader: Reader, agent: Agent, slug: str | None, name: str | None) -> Connection:
    if slug is not None:
        server = await open_server(reader, agent, slug)
        found = await reader.find(Connection, id=server.connection_id, state=Switch.ENABLED)
    elif name is not None:
        found = await reader.find(Connection, tenant_id=agent.tenant_id, name=name, state=Switch.ENABLED)
    else:
        every = await reader.find(Connection, tenant_id=agent.tenant_id, state=Switch.ENABLED)
        found = [one for one in every if one.id in agent.connections]
    mine = [one for one in found if one.id in agent.connections]
    if len(mine) > 1:
        names = sorted(one.name for one in mine)
        raise SkipassError("connection_required", hint=f"One of: {', '.join(names)}", details={"connections": names})
    if not mine:
        hint = "An admin allows it: skipass agent create NAME --connection CONNECTION."
        raise SkipassError("unknown_connection", f"{agent.name} has no enabled connection {name or ''}.".strip(), hint)
    return mine[0]


async def open_server(reader: Reader, agent: Agent, slug: str) -> McpServer:
    """Return the slug if this agent is let in, else raise `not_found`: a closed door looks like no door."""
    servers = await reader.find(McpServer, tenant_id=agent.tenant_id, slug=slug, state=Switch.ENABLED)
    for server in servers:
        if server.connection_id in agent.connections and (server.agents_of_connection or agent.id in server.agents):
            return server
    raise SkipassError("not_found", f"There is no MCP server {slug!r} for this agent.", "See skipass mcp-server list.")
