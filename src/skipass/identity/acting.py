"""Whom an agent may act for. The answer is a user id or a refusal; there is no default that widens it.

An application's end users are named by an opaque identifier, which means nothing beyond the agent that uses it: the
name they are kept under carries the agent's id, so no agent reaches another's, nor a person of the company.
"""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.nouns.people import ActsFor, Agent, User

MOST_CHARACTERS = 200


def may_act_for(agent: Agent) -> tuple[str, ...]:
    """Return the ids of the users this agent may act for by name; of end users nobody knows the list beforehand."""
    if agent.acts_for is ActsFor.END_USERS:
        return ()
    return (agent.owner_id,) if agent.acts_for is ActsFor.OWNER else agent.users


def acts_for(agent: Agent, user: User) -> bool:
    """Return whether an agent may act for a user of its tenant."""
    if agent.acts_for is ActsFor.END_USERS:
        return user.end_user_of == agent.id
    return user.end_user_of is None and user.id in may_act_for(agent)


def name_of(agent: Agent, identifier: str) -> str:
    """Return the name under which the user is kept whom a call of this agent names."""
    return f"{agent.id}/{identifier}" if agent.acts_for is ActsFor.END_USERS else identifier


def checked_identifier(identifier: str) -> str:
    """Return an end user's identifier, or raise `invalid_request`: 1 to 200 printable characters without a blank."""
    if not (0 < len(identifier) <= MOST_CHARACTERS and identifier.isprintable() and " " not in identifier):
        raise SkipassError("invalid_request", "An identifier is 1 to 200 printable characters without a blank.")
    return identifier


def acting_for(agent: Agent, identifier: str | None, named: User | None) -> str:
    """Return the id of the user acted for.

    `identifier` is what the call names, `named` the active user of `name_of` it or None. Raises `identifier_required`
    when the agent acts for several and none is named, `not_your_user` for anybody it may not act for, existing or not.
    """
    allowed = may_act_for(agent)
    if identifier is None:
        if len(allowed) == 1:
            return allowed[0]
        hint = "Send identifier, or the header Skipass-Identifier, with the name of the user."
        whom = "its application's end users" if agent.acts_for is ActsFor.END_USERS else f"{len(allowed)} users"
        raise SkipassError("identifier_required", f"{agent.name} acts for {whom}.", hint)
    if named is None or not acts_for(agent, named):
        hint = "An agent acts only for the users its owner or an admin named."
        if agent.acts_for is ActsFor.END_USERS:
            hint = "Make their connected account first: POST /api/v1/connected-accounts."
        raise SkipassError("not_your_user", f"{agent.name} may not act for {identifier[:80]!r}.", hint)
    return named.id
