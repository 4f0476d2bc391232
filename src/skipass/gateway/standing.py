"""Standing: what one call is judged under, read in one view: caller, connection, ways out, limits and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skipass.access.policy import ConnectionPolicy
from skipass.errors import SkipassError
from skipass.gateway.account_access import personal
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, Versions
from skipass.gateway.rules import Rules, rules_for
from skipass.gateway.slug_access import connections_of, open_server
from skipass.gateway.way_out import Out, Ways, consent_required, ways_out
from skipass.nouns.connection import Connection, McpServer, SlugSessions, Switch
from skipass.nouns.people import Agent, Life, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession


@dataclass(frozen=True, slots=True)
class Standing:
    """The caller (an agent, for `user_id`), the connection, what it could be left by, limits and rules.

    `policy` holds the connection's own limits, `rules` what is in force on top of them. `server` is the slug that the
    call came in by.
    """

    principal: Principal
    user_id: str
    agent: Agent
    connection: Connection
    ways: Ways
    policy: ConnectionPolicy
    rules: Rules
    server: McpServer | None = None

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
    def takes_automatic(self) -> bool:
        """Whether automatic sessions serve this call: a slug may want explicit ones."""
        return self.server is None or self.server.sessions is SlugSessions.AUTOMATIC

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
        server = await open_server(reader, agent, slug) if slug is not None else None
        connection = await _connection(reader, agent, server, name)
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
        return Standing(principal, user_id, agent, connection, ways, rules.limits(connection), rules, server)

    return await deps.journal.read(load)


async def _connection(reader: Reader, agent: Agent, server: McpServer | None, name: str | None) -> Connection:
    enabled: dict[str, Any] = {"tenant_id": agent.tenant_id, "state": Switch.ENABLED}
    if server is not None:
        found = await reader.find(Connection, id=server.connection_id, **enabled)
    elif name is not None:
        found = await reader.find(Connection, name=name, **enabled)
    else:
        found = await reader.find(Connection, **enabled)
    allowed = await connections_of(reader, agent)
    mine = [one for one in found if one.id in allowed]
    if len(mine) > 1:
        names = sorted(one.name for one in mine)
        raise SkipassError("connection_required", hint=f"One of: {', '.join(names)}", details={"connections": names})
    if not mine:
        hint = "An admin allows it: skipass agent create NAME --connection CONNECTION."
        raise SkipassError("unknown_connection", f"{agent.name} has no enabled connection {name or ''}.".strip(), hint)
    return mine[0]
