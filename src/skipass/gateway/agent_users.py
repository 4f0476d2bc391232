"""Whom an agent acts for, changed later: people let it act for themselves, an admin for anybody, and both take it back.

An owner names nobody but himself. An application's agent names its own people, and has no list to change.
"""

from __future__ import annotations

from collections.abc import Sequence

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.outbox import announce_agent
from skipass.gateway.ports import UnitOfWork
from skipass.identity.acting import may_act_for
from skipass.nouns.people import ActsFor, Agent, Life, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason


class AgentUsers:
    """The use cases of an agent's users."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def allow(self, principal: Principal, agent: str, user: str | None = None) -> Agent:
        """Let an agent act for a person: oneself, or as an admin anybody of the company; already so changes nothing.

        Whom an admin added is told.
        """

        async def allow(unit: UnitOfWork) -> Agent:
            found, person = await _both(unit, principal, agent, user)
            if person.state is not Life.ACTIVE:
                raise SkipassError("not_found", "That person is disabled.")
            known = may_act_for(found)
            if person.id in known:
                return found
            changed = await _changed(unit, found, (*known, person.id), principal, {"added": person.id})
            await announce_agent(unit, changed, (person.id,), principal.user_id or "")
            return changed

        return await self._deps.journal.write(allow)

    async def disallow(self, principal: Principal, agent: str, user: str | None = None) -> Agent:
        """Have an agent act for a person no longer: oneself, or as an admin anybody; its sessions for them end now."""

        async def disallow(unit: UnitOfWork) -> Agent:
            found, person = await _both(unit, principal, agent, user)
            left = tuple(one for one in may_act_for(found) if one != person.id)
            if len(left) == len(may_act_for(found)):
                return found
            await cut(unit, principal.user_id or "", EndReason.REVOKED, agent_id=found.id, user_id=person.id)
            current = await unit.get(Agent, found.id) or found
            return await _changed(unit, current, left, principal, {"removed": person.id})

        return await self._deps.journal.write(disallow)


async def _both(unit: UnitOfWork, principal: Principal, agent: str, user: str | None) -> tuple[Agent, User]:
    if not principal.is_person or principal.user_id is None:
        raise SkipassError("forbidden", "People decide whom an agent acts for.")
    mine = user is None or user == principal.user_name
    if not mine and Role.ADMIN not in principal.roles:
        raise SkipassError("forbidden", "Somebody else is added by themself or by an admin.", "Ask them, or an admin.")
    agents = await unit.find(Agent, tenant_id=principal.tenant_id, name=agent, state=Life.ACTIVE, limit=1)
    name = principal.user_name if mine else user
    people = await unit.find(User, tenant_id=principal.tenant_id, name=name, end_user_of=None, limit=1)
    if not agents or not people:
        which = f"agent {agent[:80]!r}" if not agents else f"user {(name or '')[:80]!r}"
        raise SkipassError("not_found", f"There is no {which}.")
    if agents[0].client_id is not None:
        raise SkipassError("invalid_request", f"{agents[0].name} is one person's MCP client, and acts for them alone.")
    if agents[0].acts_for is ActsFor.END_USERS:
        raise SkipassError("invalid_request", f"{agents[0].name} acts for its application's people, and names them.")
    return agents[0], people[0]


async def _changed(
    unit: UnitOfWork, agent: Agent, users: Sequence[str], principal: Principal, what: dict[str, str]
) -> Agent:
    facts = {"users": list(users), "by": principal.user_id, **what}
    unit.emit(Event(agent.tenant_id, "agent.changed", agent.id, facts))
    return await unit.change(agent, acts_for=ActsFor.USERS, users=tuple(users))
