"""One agent with everything that is told of it: its owner, whom it acts for, its connections, groups and keys.

For people who administer or audit, and for its owner where it is no client they signed in. Never the text of a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader
from skipass.gateway.sessions import sees_all
from skipass.identity.acting import may_act_for
from skipass.nouns.connection import Connection
from skipass.nouns.groups import Membership
from skipass.nouns.notice import Sighting
from skipass.nouns.people import Agent, ApiKey, KeyUse, User
from skipass.nouns.principal import Principal

MOST = 200
MOST_KEYS = 50
KEPT = (KeyUse.AGENT, KeyUse.CLIENT_SECRET, KeyUse.PUBLIC_KEY)
T = TypeVar("T", User, Connection)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A credential of an agent and where it was used last: `seen` is None where it was not, as far as is known.

    Of a client secret the tokens are used and not itself, of a key pair what is signed with it.
    """

    key: ApiKey
    live: bool
    seen: Sighting | None

    @property
    def seen_at(self) -> datetime | None:
        """When it was used last, to the minute."""
        return self.seen.at if self.seen else None


@dataclass(frozen=True, slots=True)
class FullAgent:
    """An agent with what belongs to it, each list by name and bounded; keys newest first, those that ended too."""

    agent: Agent
    owner: str
    users: Sequence[User]
    connections: Sequence[Connection]
    groups: Sequence[str]
    keys: Sequence[KeptKey]


class AgentDetails:
    """The use case of looking at one agent."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def of(self, principal: Principal, agent_id: str) -> FullAgent:
        """Return one agent; raises `not_found` for another's, unless the caller looks after everything."""

        async def load(reader: Reader) -> FullAgent:
            return await _full(reader, await _seen(reader, principal, id=agent_id))

        return await self._deps.journal.read(load)

    async def keys(self, principal: Principal, name: str) -> Sequence[KeptKey]:
        """Return the newest fifty credentials of an agent, by its name; raises `not_found` as `of` does."""

        async def load(reader: Reader) -> Sequence[KeptKey]:
            return await _keys(reader, await _seen(reader, principal, name=name))

        return await self._deps.journal.read(load)


async def _seen(reader: Reader, principal: Principal, **which: Any) -> Agent:
    found = await reader.find(Agent, tenant_id=principal.tenant_id, limit=1, **which)
    if not found or not _may(principal, found[0]):
        raise SkipassError("not_found", "There is no such agent.", "See skipass agent list.")
    return found[0]


def _may(principal: Principal, agent: Agent) -> bool:
    own = principal.is_person and principal.user_id == agent.owner_id and agent.client_id is None
    return own or sees_all(principal)


async def _full(reader: Reader, agent: Agent) -> FullAgent:
    owner = await reader.get(User, agent.owner_id, tenant_id=agent.tenant_id)
    groups = await reader.find(Membership, member_id=agent.id, removed_at=None, limit=MOST)
    return FullAgent(
        agent=agent,
        owner=owner.name if owner else "",
        users=await _named(reader, User, agent, may_act_for(agent)),
        connections=await _named(reader, Connection, agent, agent.connections),
        groups=sorted({one.name for one in groups}),
        keys=await _keys(reader, agent),
    )


async def _named(reader: Reader, kind: type[T], agent: Agent, ids: Sequence[str]) -> list[T]:
    if not ids:
        return []
    where: dict[str, Any] = {"tenant_id": agent.tenant_id, "id": tuple(ids)[:MOST]}
    return await reader.find(kind, order="name", limit=MOST, **where)


async def _keys(reader: Reader, agent: Agent) -> list[KeptKey]:
    found = await reader.find(ApiKey, owner_id=agent.id, use=KEPT, descending=True, limit=MOST_KEYS)
    told = []
    for key in found:
        seen = await reader.find(Sighting, key_id=key.id, order="at", descending=True, limit=1)
        live = key.revoked_at is None and (key.expires_at is None or key.expires_at > reader.now)
        told.append(KeptKey(key, live, seen[0] if seen else None))
    return told
