"""From a bearer to a principal: the key's owner, active, and the user the call is for. Refusals are on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from skipass.audit.events import DEPLOYMENT, Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.metrics import SIGN_IN_REFUSALS
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.acting import acting_for, name_of
from skipass.identity.keys import accepts, prefix_of
from skipass.nouns.oauth import OAuthClient, TokenFamily
from skipass.nouns.people import Agent, ApiKey, KeyUse, Life, User
from skipass.nouns.principal import Principal

_HINT = "Send Authorization: Bearer with an agent's key or your own token; see skipass login and skipass agent create."
RECORDED_A_MINUTE = 120
FOR_AGENTS = (KeyUse.AGENT, KeyUse.AGENT_TOKEN, KeyUse.PUBLIC_KEY, KeyUse.MCP_TOKEN)
Welcome = Callable[[str, str, str], Awaitable[None]]
"""Takes tenant, agent and identifier."""


class Authenticator:
    """The gateway's side of `skipass.surfaces.edge`: who is behind this bearer."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._minute, self._recorded = -1, 0

    async def authenticate(
        self,
        bearer: str,
        *,
        identifier: str | None = None,
        welcome: Welcome | None = None,
        resource: str | None = None,
    ) -> Principal:
        """Return the caller; raises `unauthenticated`, `identifier_required`, `not_your_user`.

        `resource` is the address of the slug that is asked: the token of an MCP client is good at its own alone.
        `welcome` is told of the end user that an agent's verified key names, before that user is looked for.
        """
        key = await self._deps.journal.read(lambda reader: key_of(reader, bearer))
        if welcome is not None and identifier and key is not None and key.use in FOR_AGENTS:
            await welcome(key.tenant_id, key.owner_id, identifier)
        return await self.of_key(key, identifier, resource)

    async def of_key(self, key: ApiKey | None, identifier: str | None, resource: str | None = None) -> Principal:
        """Return the caller that a verified key was given to; raises as `authenticate` does."""
        try:
            return await self._deps.journal.read(lambda reader: self._principal(reader, key, identifier, resource))
        except SkipassError as refused:
            self.record_refusal(refused.code, key)
            raise

    async def known(self, bearer: str) -> None:
        """Return where a bearer is somebody's, whoever the call is for; raises `unauthenticated`.

        For what is the same for everybody: an agent of several users need not name one.
        """
        key = await self._deps.journal.read(lambda reader: key_of(reader, bearer))
        try:
            found, _ = await self._deps.journal.read(lambda reader: self._owner(reader, key))
            if found.use is KeyUse.MCP_TOKEN:
                raise _elsewhere()
        except SkipassError as refused:
            self.record_refusal(refused.code, key)
            raise

    async def _principal(
        self, reader: Reader, key: ApiKey | None, identifier: str | None, resource: str | None
    ) -> Principal:
        key, owner = await self._owner(reader, key)
        if not isinstance(owner, Agent):
            return _person(key, owner)
        scopes = await _scopes(reader, key, owner, resource)
        return replace(await self._acting(reader, key, owner, identifier), scopes=scopes)

    async def _owner(self, reader: Reader, key: ApiKey | None) -> tuple[ApiKey, Agent | User]:
        """Return the key, which there is, and the active agent or person that it was given to."""
        if key is None:
            raise SkipassError("unauthenticated", "The credential is unknown, expired or revoked.", _HINT)
        if key.use is KeyUse.CLIENT_SECRET:
            hint = "Trade it for a token first: POST /oauth/token, grant_type client_credentials."
            raise SkipassError("unauthenticated", "A client secret is no bearer.", hint)
        where: dict[str, Any] = {"tenant_id": key.tenant_id, "state": Life.ACTIVE}
        if key.use in FOR_AGENTS:
            agent = await reader.get(Agent, key.owner_id, **where)
            if agent is None:
                raise SkipassError("unauthenticated", "The agent is disabled.", "Ask its owner.")
            return key, agent
        user = await reader.get(User, key.owner_id, **where)
        if user is None or (key.use is KeyUse.SANDBOX and not self._deps.sandbox):
            raise SkipassError("unauthenticated", "The credential is not accepted here.", _HINT)
        return key, user

    async def _acting(self, reader: Reader, key: ApiKey, agent: Agent, identifier: str | None) -> Principal:
        where: dict[str, Any] = {"tenant_id": key.tenant_id, "state": Life.ACTIVE}
        named = await reader.find(User, name=name_of(agent, identifier), limit=1, **where) if identifier else []
        user_id = acting_for(agent, identifier, named[0] if named else None)
        user = await reader.get(User, user_id, **where)
        if user is None:
            raise SkipassError("not_your_user", "The user acted for is disabled.", "Ask an admin.")
        return Principal(
            tenant_id=key.tenant_id,
            credential_id=key.id,
            agent_id=agent.id,
            agent_name=agent.name,
            agent_version=agent.version,
            user_id=user.id,
            user_name=user.name,
            user_version=user.version,
        )

    def record_refusal(self, code: str, key: ApiKey | None) -> None:
        """Chain the refusal; a flood of them is counted by the metric and recorded up to a bound a minute."""
        SIGN_IN_REFUSALS.labels(code).inc()
        minute = int(self._deps.clock.monotonic() // 60)
        self._recorded = self._recorded + 1 if minute == self._minute else 1
        self._minute = minute
        if self._recorded > RECORDED_A_MINUTE:
            return

        tenant_id, subject = (key.tenant_id, key.owner_id) if key else (DEPLOYMENT, self._deps.journal.boot_id)
        facts = {"code": code, "key": key.id if key else None}

        async def record(unit: UnitOfWork) -> None:
            unit.emit(Event(tenant_id, "auth.refused", subject, facts))

        self._deps.journal.post(record)


async def _scopes(reader: Reader, key: ApiKey, agent: Agent, resource: str | None) -> frozenset[str] | None:
    """Return what an MCP client's token is limited to, None for another key; raises where it is not for this resource.

    Source: RFC 8707 §2; MCP 2026-07-28, Authorization (Token Handling)
    """
    if key.use is not KeyUse.MCP_TOKEN:
        return None
    family = await reader.get(TokenFamily, key.family_id, tenant_id=key.tenant_id, agent_id=agent.id, revoked_at=None)
    active: dict[str, Any] = {"tenant_id": key.tenant_id, "state": Life.ACTIVE}
    client = await reader.get(OAuthClient, agent.client_id, **active)
    owner = await reader.get(User, agent.owner_id, **active)
    if family is None or client is None or owner is None or (family.client_id, family.user_id) != (client.id, owner.id):
        raise SkipassError("unauthenticated", "The credential is unknown, expired or revoked.", _HINT)
    if resource is None or family.resource != resource:
        raise _elsewhere()
    return frozenset(family.scopes)


def _elsewhere() -> SkipassError:
    hint = "It is good at the address of the MCP server that its client asked it for, and nowhere else."
    return SkipassError("unauthenticated", "The token is for another resource.", hint)


def _person(key: ApiKey, user: User) -> Principal:
    return Principal(
        tenant_id=key.tenant_id,
        credential_id=key.id,
        user_id=user.id,
        user_name=user.name,
        user_version=user.version,
        roles=frozenset(user.roles),
        sandbox_decider=key.use is KeyUse.SANDBOX,
    )


async def key_of(reader: Reader, bearer: str) -> ApiKey | None:
    """Return the key that this bearer is, if it is accepted now."""
    prefix = prefix_of(bearer)
    found = await reader.find(ApiKey, prefix=prefix, limit=1) if prefix else []
    return found[0] if found and accepts(found[0], bearer, reader.now) else None
