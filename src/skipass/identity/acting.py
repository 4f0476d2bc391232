"""Whom an agent may act for. The answer is a user id or a refusal; there is no default that widens it."""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.nouns.people import ActsFor, Agent, User


def may_act_for(agent: Agent) -> tuple[str, ...]:
    """Return the ids of the users this agent may act for."""
    return (agent.owner_id,) if agent.acts_for is ActsFor.OWNER else agent.users


def acting_for(agent: Agent, identifier: str | None, named: User | None) -> str:
    """Return the id of the user acted for.

    `identifier` is what the call names, `named` the active user of that name or None. Raises `identifier_required` when
    the agent acts for several and none is named, `not_your_user` for anybody it may not act for, existing or not.
    """
    allowed = may_act_for(agent)
    if identifier is None:
        if len(allowed) == 1:
            return allowed[0]
        hint = "Send identifier, or the header Skipass-Identifier, with the name of the user."
        raise SkipassError("identifier_required", f"{agent.name} acts for {len(allowed)} users.", hint)
    if named is None or named.id not in allowed:
        hint = "An agent acts only for the users its owner or an admin named."
        raise SkipassError("not_your_user", f"{agent.name} may not act for {identifier[:80]!r}.", hint)
    return named.id
