"""From the identity provider's word to a person here: found by subject, else by a name that waits for them, else made.

What the provider says counts as nobody's act: it makes no colleague eligible or ineligible to decide. Roles and groups
are what it says at each sign-in. Runs inside a unit of work, and knows no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.groups import set_groups
from skipass.gateway.people import is_plain_name, touched
from skipass.gateway.ports import UnitOfWork
from skipass.identity.provider import Create, IdentityProvider, Who, roles_of
from skipass.ids import new_id
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role

BY = "identity provider"
"""Who it was that changed a person, where a sign-in did."""


@dataclass(frozen=True, slots=True)
class Turned:
    """Why somebody is not let in; what the provider said about them is kept all the same."""

    user: User | None
    why: SkipassError


async def admit(unit: UnitOfWork, tenant_id: str, provider: IdentityProvider, who: Who) -> User | Turned:
    """Return the person a sign-in is of, with roles, groups and claims as the provider has them now.

    Somebody who lost every role loses it here as well, and is turned away.
    """
    found = await _known(unit, tenant_id, who)
    roles = _roles(provider, who, found)
    if found is None:
        made = await _make(unit, tenant_id, provider, who, roles)
        if isinstance(made, Turned):
            return made
        found = made
    if found.state is not Life.ACTIVE:
        return Turned(found, SkipassError("forbidden", f"{found.name} is disabled here.", "Ask an admin."))
    user = await _changed(unit, found, who, roles)
    if who.groups is not None:
        await set_groups(unit, user, who.groups, BY)
        user = await unit.get(User, user.id) or user
    return user if user.roles else Turned(user, _no_role(provider))


async def _known(unit: UnitOfWork, tenant_id: str, who: Who) -> User | None:
    where: dict[str, Any] = {"tenant_id": tenant_id, "end_user_of": None}
    found = await unit.find(User, subject=who.subject, limit=1, **where)
    if not found and who.username is not None:
        found = await unit.find(User, name=who.username, subject=None, limit=1, **where)
    return found[0] if found else None


def _roles(provider: IdentityProvider, who: Who, user: User | None) -> tuple[Role, ...]:
    """Return the roles to have: the groups' where they are mapped, else what an admin gave."""
    if provider.roles:
        mapped = roles_of(provider, who.groups or ())
        return mapped or ((Role.MEMBER,) if provider.create is Create.MEMBER else ())
    if user is not None:
        return user.roles
    return (Role.MEMBER,) if provider.create is Create.MEMBER else ()


async def _make(
    unit: UnitOfWork, tenant_id: str, provider: IdentityProvider, who: Who, roles: tuple[Role, ...]
) -> User | Turned:
    name = who.username
    if provider.create is Create.NEVER:
        hint = f"An admin adds you: skipass user create {name or 'NAME'} --role member"
        return Turned(None, SkipassError("forbidden", "Nobody here knows you yet.", hint))
    if not roles:
        return Turned(None, _no_role(provider))
    if name is None or not is_plain_name(name):
        hint = "SKIPASS_OIDC_USERNAME_CLAIM names a claim of 1 to 64 letters, digits and . _ @ -"
        return Turned(None, SkipassError("forbidden", "The identity provider gives you no name to use here.", hint))
    if await unit.count(User, tenant_id=tenant_id, name=name):
        hint = "An admin finds out who that is; the two are never taken for each other."
        return Turned(None, SkipassError("forbidden", f"Somebody else is known here as {name}.", hint))
    user = User(new_id("user", unit.now), tenant_id, name, roles, unit.now, unit.now, None)
    await unit.insert(user)
    await touched(unit, user, BY, "created")
    unit.emit(Event(tenant_id, "user.created", user.id, {"name": name, "roles": roles, "by": BY}))
    return user


async def _changed(unit: UnitOfWork, user: User, who: Who, roles: tuple[Role, ...]) -> User:
    """Write what is new, and each new thing's event.

    `changed_by` stays: a colleague who touched this person's identity last month has still done so.
    """
    if user.subject is None:
        await touched(unit, user, BY, "bound")
        unit.emit(Event(user.tenant_id, "user.bound", user.id, {"name": user.name, "subject": who.subject}))
    if set(roles) != set(user.roles):
        await touched(unit, user, BY, "roles")
        facts = {"roles": roles, "before": user.roles, "by": BY}
        unit.emit(Event(user.tenant_id, "user.changed", user.id, facts))
    # Only somebody who is let in is signed in: `signed_in_at` is what an issuer connection goes by.
    at = unit.now if roles else user.signed_in_at
    return await unit.change(user, subject=who.subject, claims=dict(who.claims), roles=roles, signed_in_at=at)


def _no_role(provider: IdentityProvider) -> SkipassError:
    hint = "An admin of the identity provider puts you into one of the groups that have a role here."
    if not provider.roles:
        hint = "An admin adds you: skipass user create NAME --role member"
    return SkipassError("forbidden", "You are known to the identity provider, and have no role here.", hint)
