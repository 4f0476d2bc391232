"""What a person has let in, in one view: their connected accounts, who acts for them, and what is open in their name.

Only ever the caller's own, whatever their role. Asks Snowflake nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_access import DELETED, FullAccount, full_account
from skipass.gateway.accounts import has_accounts
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.session_lists import NamedSession, named_session
from skipass.gateway.sessions import sees_all
from skipass.gateway.slug_access import groups_of_person, names_person
from skipass.identity.acting import may_act_for
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection, McpServer, Switch
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState

_MOST = 200
_LIVE = (SessionState.REQUESTED, SessionState.OPEN)


@dataclass(frozen=True, slots=True)
class Own:
    """A person's accounts, the connections they could connect an account on, their agents, and sessions not over.

    `owned` are agents of theirs that do not act for them, disabled ones too. `servers` are those that let them in by an
    MCP client that they sign in.
    """

    accounts: Sequence[FullAccount]
    connectable: Sequence[Connection]
    agents: Sequence[Agent]
    sessions: Sequence[NamedSession]
    servers: Sequence[McpServer]
    owned: Sequence[Agent]


class OwnAccess:
    """The use case of looking at one's own access."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def of(self, principal: Principal) -> Own:
        """Return the caller's own, up to 200 of each; raises `forbidden` for an agent."""
        if not principal.is_person or principal.user_id is None:
            raise SkipassError("forbidden", "This is for people.")
        user_id = principal.user_id
        tenant: dict[str, Any] = {"tenant_id": principal.tenant_id}

        async def load(reader: Reader) -> Own:
            found = await reader.find(ConnectedAccount, user_id=user_id, limit=_MOST, **tenant)
            accounts = [await full_account(reader, one) for one in found if one.reason != DELETED]
            there = {one.connection.id for one in accounts}
            every = await reader.find(Connection, state=Switch.ENABLED, order="name", limit=_MOST, **tenant)
            live: dict[str, Any] = {"user_id": user_id, "state": _LIVE, **tenant}
            sessions = await reader.find(AccessSession, descending=True, limit=_MOST, **live)
            agents = await agents_for(reader, user_id, tenant)
            owned = await reader.find(Agent, owner_id=user_id, client_id=None, order="name", limit=_MOST, **tenant)
            return Own(
                accounts=accounts,
                connectable=[one for one in every if has_accounts(one) and one.id not in there],
                agents=agents,
                sessions=[await named_session(reader, one) for one in sessions],
                servers=await _servers(reader, user_id, tenant),
                owned=[one for one in owned if one not in agents],
            )

        return await self._deps.journal.read(load)

    async def server(self, principal: Principal, slug: str) -> McpServer:
        """Return an open MCP server that lets this person in, or of those who see all any; else raise `not_found`."""
        ours: dict[str, Any] = {"tenant_id": principal.tenant_id}

        async def load(reader: Reader) -> Sequence[McpServer]:
            if sees_all(principal):
                return await reader.find(McpServer, slug=slug, limit=1, **ours)
            found = await _servers(reader, principal.user_id or "", ours)
            return [one for one in found if one.slug == slug]

        found = await self._deps.journal.read(load) if principal.is_person else []
        if not found:
            raise SkipassError("not_found", "There is no MCP server of this name for you.", "Ask an admin.")
        return found[0]


async def _servers(reader: Reader, user_id: str, tenant: dict[str, Any]) -> list[McpServer]:
    """Return the open MCP servers that let a person in, through some client at least."""
    groups = await groups_of_person(reader, user_id)
    found = await reader.find(McpServer, state=Switch.ENABLED, order="slug", limit=10_000, **tenant)
    return [one for one in found if names_person(one, user_id, groups)][:_MOST]


async def agents_for(reader: Reader, user_id: str, tenant: dict[str, Any]) -> list[Agent]:
    """Return the active agents that may act for a person."""
    found = await reader.find(Agent, state=Life.ACTIVE, order="name", limit=10_000, **tenant)
    return [one for one in found if user_id in may_act_for(one)][:_MOST]
