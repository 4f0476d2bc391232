"""Agents: software with its own key and an owner, allowed onto named connections for named users, nobody by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.key_pairs import register
from skipass.gateway.oauth_metadata import check_url
from skipass.gateway.outbox import announce_agent
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity import key_pair
from skipass.identity.acting import may_act_for
from skipass.identity.key_pair import PublicKey
from skipass.identity.keys import Issued, issue
from skipass.ids import new_id
from skipass.nouns.connection import Connection
from skipass.nouns.people import ActsFor, Agent, ApiKey, KeyUse, Life, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason
from skipass.secret import Secret

OVERLAP = timedelta(hours=24)
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class AgentKeys:
    """What an agent gets, each shown once: a key to call with, and a client secret to trade for short-lived tokens."""

    key: ApiKey
    text: Secret[str]
    client_secret: Secret[str]


class Agents:
    """The use cases of agents."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        owner: str | None,
        users: Sequence[str],
        connections: Sequence[str],
        end_users: bool = False,
        return_urls: Sequence[str] = (),
        public_key: str | None = None,
    ) -> tuple[Agent, AgentKeys]:
        """Return a new agent and its keys, shown once.

        `owner` and `users` are names; without `users` it acts for its owner. With `end_users` it acts for the people of
        its application instead, whom it names itself; a browser goes back to one of `return_urls` after they link.
        With `public_key` (PEM, or Snowflake's base64) it may sign in to the SQL API with that key pair. Whom it acts
        for is told, but for the caller.
        """
        by = require(principal, Role.ADMIN)
        if not name or len(name) > 64 or not name.isprintable():
            raise SkipassError("invalid_request", "An agent's name is 1 to 64 printable characters.")
        if (end_users and users) or (return_urls and not end_users):
            raise SkipassError("invalid_request", "An application's agent takes return URLs, any other one users.")
        for url in return_urls:
            check_url(url, "A return URL")
        pair = key_pair.public_key(public_key) if public_key is not None else None

        async def add(unit: UnitOfWork) -> tuple[Agent, AgentKeys]:
            known = await unit.find(User, tenant_id=principal.tenant_id, end_user_of=None)
            people = {user.name: user.id for user in known}
            targets = {one.name: one.id for one in await unit.find(Connection, tenant_id=principal.tenant_id)}
            agent = Agent(
                id=new_id("agent", unit.now),
                tenant_id=principal.tenant_id,
                name=name,
                owner_id=_id(people, owner, "user") if owner else by,
                acts_for=ActsFor.END_USERS if end_users else ActsFor.USERS if users else ActsFor.OWNER,
                users=tuple(_id(people, user, "user") for user in users),
                connections=tuple(_id(targets, one, "connection") for one in connections),
                created_at=unit.now,
                return_urls=tuple(return_urls),
            )
            await unit.insert(agent)
            facts = {"name": name, "owner_id": agent.owner_id, "users": agent.users, "connections": agent.connections}
            facts |= {"acts_for": agent.acts_for.value, "return_urls": agent.return_urls}
            unit.emit(Event(agent.tenant_id, "agent.created", agent.id, facts | {"by": by}))
            await announce_agent(unit, agent, may_act_for(agent), by)
            return agent, await _issue(unit, agent, pair)

        return await self._deps.journal.write(add)

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[Agent]:
        """Return the tenant's agents, for people who administer or audit, in order of name from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[Agent]:
            return await reader.find(Agent, order="name", limit=limit, tenant_id=tenant_id, name__gt=after)

        return await self._deps.journal.read(load)

    async def rotate(self, principal: Principal, name: str, public_key: str | None = None) -> tuple[Agent, AgentKeys]:
        """Return new keys, shown once; the earlier ones end a day later, so nothing stops meanwhile.

        With `public_key` that key pair is one of the new ones; without, an agent has none after that day.
        """
        require(principal, Role.ADMIN)
        pair = key_pair.public_key(public_key) if public_key is not None else None

        async def rotate(unit: UnitOfWork) -> tuple[Agent, AgentKeys]:
            agent = await _named(unit, principal.tenant_id, name)
            if agent.client_id is not None:
                raise SkipassError("invalid_request", f"{agent.name} is an MCP client: its person signs it in.")
            for key in await unit.find(ApiKey, owner_id=agent.id, revoked_at=None):
                if key.expires_at is None or key.expires_at > unit.now + OVERLAP:
                    await unit.change(key, expires_at=unit.now + OVERLAP)
            return agent, await _issue(unit, agent, pair)

        return await self._deps.journal.write(rotate)

    async def disable(self, principal: Principal, name: str) -> Agent:
        """Disable an agent: its keys stop and nothing of it is admitted any more."""
        by = require(principal, Role.ADMIN)

        async def disable(unit: UnitOfWork) -> Agent:
            agent = await _named(unit, principal.tenant_id, name)
            await cut(unit, by, EndReason.REVOKED, agent_id=agent.id)
            unit.emit(Event(agent.tenant_id, "agent.disabled", agent.id, {"by": by}))
            return await unit.change(agent, state=Life.DISABLED)

        return await self._deps.journal.write(disable)

    async def enable(self, principal: Principal, name: str) -> Agent:
        """Let a disabled agent in again, with the keys it has; what ended when it was disabled stays over."""
        by = require(principal, Role.ADMIN)

        async def enable(unit: UnitOfWork) -> Agent:
            agent = await _named(unit, principal.tenant_id, name)
            if agent.state is Life.ACTIVE:
                return agent
            unit.emit(Event(agent.tenant_id, "agent.enabled", agent.id, {"by": by}))
            return await unit.change(agent, state=Life.ACTIVE)

        return await self._deps.journal.write(enable)

    async def revoke_key(self, principal: Principal, name: str, prefix: str) -> Agent:
        """End one key, client secret or key pair of an agent now, and return it; its others go on. Raises `not_found`.

        With a client secret end the tokens that were traded for it, which know no secret of their own: all of them.
        """
        by = require(principal, Role.ADMIN)

        async def revoke(unit: UnitOfWork) -> Agent:
            agent = await _named(unit, principal.tenant_id, name)
            found = await unit.find(ApiKey, owner_id=agent.id, prefix=prefix, limit=1)
            if not found:
                raise SkipassError("not_found", "The agent has no such key.", "See skipass agent keys NAME.")
            traded = KeyUse.AGENT_TOKEN if found[0].use is KeyUse.CLIENT_SECRET else None
            where: dict[str, Any] = {"owner_id": agent.id, "use": traded, "revoked_at": None}
            tokens = await unit.find(ApiKey, limit=_MOST, **where) if traded else []
            for key in (one for one in (found[0], *tokens) if one.revoked_at is None):
                await unit.change(key, revoked_at=unit.now)
                unit.emit(Event(key.tenant_id, "key.revoked", key.id, {"owner": key.owner_id, "by": by}))
            return agent

        return await self._deps.journal.write(revoke)


async def _issue(unit: UnitOfWork, agent: Agent, pair: PublicKey | None) -> AgentKeys:
    if pair is not None:
        await register(unit, agent, pair)
    key, secret = await _one(unit, agent, KeyUse.AGENT), await _one(unit, agent, KeyUse.CLIENT_SECRET)
    return AgentKeys(key.key, key.text, secret.text)


async def _one(unit: UnitOfWork, agent: Agent, use: KeyUse) -> Issued:
    issued = issue(agent.tenant_id, use, agent.id, unit.now)
    await unit.insert(issued.key)
    facts = {"owner": agent.id, "prefix": issued.key.prefix, "use": use}
    unit.emit(Event(agent.tenant_id, "key.created", issued.key.id, facts))
    return issued


def _id(known: dict[str, str], name: str, noun: str) -> str:
    if name not in known:
        raise SkipassError("not_found", f"There is no {noun} {name[:80]!r}.", f"See skipass {noun} list.")
    return known[name]


async def _named(reader: Reader, tenant_id: str, name: str) -> Agent:
    found = await reader.find(Agent, tenant_id=tenant_id, name=name, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no agent {name[:80]!r}.", "See skipass agent list.")
    return found[0]
