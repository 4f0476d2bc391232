"""Consents: a signed-in person lets an MCP client act for them at one slug, sees which do, and takes it back.

From consent on the client is an agent of its own in the gateway, so that sessions, budgets, approvals and the record
know it as they know any other. Knows no page.
Source: MCP Security Best Practices, Confused Deputy Problem; RFC 8707 §2; RFC 8252 §8.6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.oauth_clients import agreed
from skipass.gateway.oauth_redirects import is_loopback, origin_of
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.slug_access import groups_of_person, lets_person_in
from skipass.ids import new_id
from skipass.nouns.connection import McpServer, Switch
from skipass.nouns.oauth import Consent, OAuthClient, TokenFamily
from skipass.nouns.people import ActsFor, Agent, Life, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks a person for: tokens for `resource` within `scopes`, and the answer sent to `redirect_uri`."""

    client: OAuthClient
    resource: str
    scopes: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Given:
    """A consent with the names of whom it is about."""

    consent: Consent
    client: OAuthClient
    user: User
    agent: Agent


class Consents:
    """The use cases of consents."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def resource(self, slug: str) -> str | None:
        """Return the address that tokens for an open slug are for, None where there is no such slug."""

        async def load(reader: Reader) -> int:
            return await reader.count(McpServer, slug=slug, state=Switch.ENABLED)

        return resource_of(self._deps.base_url, slug) if await self._deps.journal.read(load) else None

    async def server(self, principal: Principal, resource: str, client: OAuthClient) -> McpServer | None:
        """Return the slug at this address if it lets the person in through this client, None otherwise."""
        load = self._deps.journal.read
        return await load(lambda reader: _server(reader, self._deps.base_url, principal, resource, client.id))

    async def covers(self, principal: Principal, wish: Wish) -> bool:
        """Return whether the person agreed to all of this before, so that they need not be asked again.

        Whoever listens on this machine or owns a scheme cannot be told apart, so there a person is always asked.
        """
        if not wish.redirect_uri.startswith("https://") or is_loopback(wish.redirect_uri):
            return False
        found = await self._deps.journal.read(lambda reader: _consents(reader, principal, wish))
        return any(
            set(wish.scopes) <= set(one.scopes) and one.redirect_to == origin_of(wish.redirect_uri) for one in found
        )

    async def list(
        self, principal: Principal, *, own: bool = False, after: str = "", limit: int = 1000
    ) -> Sequence[Given]:
        """Return what is agreed to: everything to admins and auditors, else, or with `own`, the caller's own."""
        person = _person(principal)
        everybody = {Role.ADMIN, Role.AUDITOR} & principal.roles and not own
        whose: dict[str, Any] = {} if everybody else {"user_id": person}

        async def load(reader: Reader) -> list[Given]:
            where: dict[str, Any] = {"tenant_id": principal.tenant_id, "revoked_at": None, "id__gt": after, **whose}
            return [await _named(reader, one) for one in await reader.find(Consent, limit=limit, **where)]

        return await self._deps.journal.read(load)

    async def revoke(self, principal: Principal, consent_id: str, *, own: bool = False) -> Given:
        """Take back a consent, so that its tokens stop and what runs by it ends.

        It is one's own; an admin may take back anybody's, but not with `own`.
        """
        person = _person(principal)
        anybody_s = Role.ADMIN in principal.roles and not own
        whose: dict[str, Any] = {} if anybody_s else {"user_id": person}

        async def revoke(unit: UnitOfWork) -> Given:
            found = await unit.get(Consent, consent_id, tenant_id=principal.tenant_id, revoked_at=None, **whose)
            if found is None:
                raise SkipassError("not_found", "There is no such consent.", "See skipass consent list.")
            return await _named(unit, await revoke_consent(unit, found, person))

        return await self._deps.journal.write(revoke)


async def give(unit: UnitOfWork, base_url: str, principal: Principal, wish: Wish) -> Consent:
    """Return the person's consent to a wish, made or widened now; raises where the slug or the client is closed."""
    client = await agreed(unit, wish.client)
    if await _server(unit, base_url, principal, wish.resource, client.id) is None:
        raise SkipassError("not_found", "There is no MCP server at this address for you.", "Ask an admin.")
    agent = await _agent(unit, principal, client)
    found = await _consents(unit, principal, wish, client.id)
    to = origin_of(wish.redirect_uri)
    facts = {"user_id": principal.user_id, "client": client.id, "agent_id": agent.id, "resource": wish.resource}
    facts |= {"redirect_to": to, "sign_in": principal.sign_in_id}
    if found:
        scopes = tuple(dict.fromkeys((*found[0].scopes, *wish.scopes)))
        if (scopes, to) == (found[0].scopes, found[0].redirect_to):
            return found[0]
        unit.emit(Event(principal.tenant_id, "consent.given", found[0].id, facts | {"scopes": scopes}))
        return await unit.change(found[0], scopes=scopes, redirect_to=to)
    made = Consent(
        id=new_id("consent", unit.now),
        tenant_id=principal.tenant_id,
        user_id=_person(principal),
        client_id=client.id,
        agent_id=agent.id,
        resource=wish.resource,
        scopes=wish.scopes,
        redirect_to=to,
        created_at=unit.now,
    )
    await unit.insert(made)
    unit.emit(Event(principal.tenant_id, "consent.given", made.id, facts | {"scopes": wish.scopes}))
    return made


async def revoke_consent(unit: UnitOfWork, consent: Consent, by: str) -> Consent:
    """Revoke a consent with every token given for it, and end what its client has open at that slug."""
    for family in await unit.find(TokenFamily, consent_id=consent.id, revoked_at=None, limit=_MOST):
        await revoke_family(unit, family, "its consent was taken back")
    slug = slug_of(consent.resource)
    for server in await unit.find(McpServer, tenant_id=consent.tenant_id, slug=slug):
        await cut(unit, by, EndReason.REVOKED, agent_id=consent.agent_id, connection_id=server.connection_id)
    facts = {"user_id": consent.user_id, "client": consent.client_id, "resource": consent.resource, "by": by}
    unit.emit(Event(consent.tenant_id, "consent.revoked", consent.id, facts))
    return await unit.change(consent, revoked_at=unit.now)


async def revoke_family(unit: UnitOfWork, family: TokenFamily, why: str) -> None:
    """Stop every token of a family."""
    await unit.change(family, revoked_at=unit.now)
    facts = {"agent_id": family.agent_id, "client": family.client_id, "why": why}
    unit.emit(Event(family.tenant_id, "family.revoked", family.id, facts))


def resource_of(base_url: str, slug: str) -> str:
    """Return the address of a slug, which is what its tokens are for. Source: RFC 9728 §3.3; RFC 8707 §2"""
    return f"{base_url}/{slug}/mcp"


def slug_of(resource: str) -> str:
    """Return the slug of a resource's address, empty for an address of another form."""
    steps = urlsplit(resource).path.split("/")
    return steps[-2] if len(steps) > 2 and steps[-1] == "mcp" else ""


async def _server(
    reader: Reader, base_url: str, principal: Principal, resource: str, client_id: str
) -> McpServer | None:
    slug = slug_of(resource)
    if resource != resource_of(base_url, slug):
        return None
    found = await reader.find(McpServer, tenant_id=principal.tenant_id, slug=slug, state=Switch.ENABLED, limit=1)
    person = _person(principal)
    groups = await groups_of_person(reader, person)
    return found[0] if found and lets_person_in(found[0], person, groups, client_id) else None


async def _consents(
    reader: Reader, principal: Principal, wish: Wish, client_id: str | None = None
) -> Sequence[Consent]:
    where: dict[str, Any] = {"tenant_id": principal.tenant_id, "user_id": principal.user_id, "revoked_at": None}
    return await reader.find(Consent, client_id=client_id or wish.client.id, resource=wish.resource, **where)


async def _agent(unit: UnitOfWork, principal: Principal, client: OAuthClient) -> Agent:
    """Return the agent that a client is for a person, made at the first consent."""
    person = _person(principal)
    found = await unit.find(Agent, tenant_id=principal.tenant_id, owner_id=person, client_id=client.id, limit=1)
    if found and found[0].state is not Life.ACTIVE:
        raise SkipassError("forbidden", "An admin stopped this client for you.", "Ask an admin.")
    if found:
        return found[0]
    agent = Agent(
        id=new_id("agent", unit.now),
        tenant_id=principal.tenant_id,
        name=f"{client.name[:30]} {client.id[-6:]} of {principal.user_name or person}"[:64],
        owner_id=person,
        acts_for=ActsFor.OWNER,
        users=(),
        connections=(),
        created_at=unit.now,
        client_id=client.id,
    )
    await unit.insert(agent)
    facts = {"name": agent.name, "owner_id": person, "acts_for": agent.acts_for.value, "client": client.id}
    unit.emit(Event(agent.tenant_id, "agent.created", agent.id, facts | {"by": person}))
    return agent


async def _named(reader: Reader, consent: Consent) -> Given:
    client = await reader.get(OAuthClient, consent.client_id)
    user, agent = await reader.get(User, consent.user_id), await reader.get(Agent, consent.agent_id)
    if client is None or user is None or agent is None:
        raise SkipassError("not_found")
    return Given(consent, client, user, agent)


def _person(principal: Principal) -> str:
    if not principal.is_person or principal.user_id is None:
        raise SkipassError("forbidden", "Only people let clients act for them.")
    return principal.user_id
