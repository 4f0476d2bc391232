"""People: created by admins, signed in by one-time links; nobody ever has a default password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.keys import LOGIN_LIFE, Issued, hashed, issue, new_link
from skipass.ids import new_id
from skipass.nouns.people import ApiKey, KeyUse, Life, SignInLink, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason
from skipass.nouns.signin import IdentityChange
from skipass.secret import Secret


def require(principal: Principal, *roles: Role) -> str:
    """Return the id of a person who has one of these roles, or raise `forbidden`."""
    if not principal.is_person or principal.user_id is None or not set(roles) & principal.roles:
        needed = " or ".join(role.value for role in roles)
        raise SkipassError("forbidden", f"This needs a person with the role {needed}.", "Ask one, or sign in as one.")
    return principal.user_id


class People:
    """The use cases of people."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def create(self, principal: Principal, name: str, roles: Sequence[Role]) -> User:
        """Return a new person; the link that signs them in comes from `link`."""
        by = require(principal, Role.ADMIN)
        if not is_plain_name(name) or not roles:
            raise SkipassError("invalid_request", "A name is 1 to 64 letters, digits and . _ @ - ; a role is needed.")

        async def add(unit: UnitOfWork) -> User:
            user = User(new_id("user", unit.now), principal.tenant_id, name, tuple(roles), unit.now, unit.now, by)
            await unit.insert(user)
            await touched(unit, user, by, "created")
            unit.emit(Event(user.tenant_id, "user.created", user.id, {"name": name, "roles": roles, "by": by}))
            return user

        return await self._deps.journal.write(add)

    async def list(self, principal: Principal, *, after: str = "", limit: int = 1000) -> list[User]:
        """Return everybody of the tenant, for people who administer or audit, in order of name from `after` on."""
        require(principal, Role.ADMIN, Role.AUDITOR, Role.APPROVER)
        tenant_id = principal.tenant_id

        async def load(reader: Reader) -> list[User]:
            where: dict[str, Any] = {"tenant_id": tenant_id, "name__gt": after, "end_user_of": None}
            return await reader.find(User, order="name", limit=limit, **where)

        return await self._deps.journal.read(load)

    async def link(self, principal: Principal, name: str) -> tuple[User, Secret[str]]:
        """Return a fresh one-time sign-in token for a person; it voids the person's earlier links.

        Raises `links_stopped` where an identity provider is connected.
        """
        by = require(principal, Role.ADMIN)
        links_go(self._deps)

        async def make(unit: UnitOfWork) -> tuple[User, Secret[str]]:
            user = await named(unit, principal.tenant_id, name)
            return user, await add_link(unit, user, by)

        return await self._deps.journal.write(make)

    async def disable(self, principal: Principal, name: str) -> User:
        """Disable a person: their tokens stop and nothing is admitted for them any more."""
        by = require(principal, Role.ADMIN)

        async def disable(unit: UnitOfWork) -> User:
            user = await named(unit, principal.tenant_id, name)
            await cut(unit, by, EndReason.REVOKED, user_id=user.id)
            await touched(unit, user, by, "disabled")
            unit.emit(Event(user.tenant_id, "user.disabled", user.id, {"by": by}))
            return await unit.change(user, state=Life.DISABLED, changed_by=by, changed_at=unit.now)

        return await self._deps.journal.write(disable)

    async def sign_in(self, token: str) -> tuple[User, Issued]:
        """Return the person of a one-time link and a token for the CLI; raises `link_used` for any other."""
        links_go(self._deps)

        async def use(unit: UnitOfWork) -> tuple[User, Issued]:
            link, user = await use_link(unit, token)
            issued = issue(user.tenant_id, KeyUse.LOGIN, user.id, unit.now, LOGIN_LIFE)
            await unit.insert(issued.key)
            unit.emit(Event(user.tenant_id, "link.used", user.id, {"link": link.id, "key": issued.key.id}))
            return user, issued

        return await self._deps.journal.write(use)

    async def sign_out(self, principal: Principal) -> None:
        """Revoke the token this call was made with; raises `forbidden` for an agent, whose key an admin rotates."""
        if not principal.is_person:
            raise SkipassError("forbidden", "Only people sign out.", "An admin rotates or disables an agent's key.")

        async def revoke(unit: UnitOfWork) -> None:
            key = await unit.get(ApiKey, principal.credential_id)
            if key is not None and key.revoked_at is None:
                await unit.change(key, revoked_at=unit.now)
                unit.emit(Event(key.tenant_id, "key.revoked", key.id, {"owner": key.owner_id}))

        await self._deps.journal.write(revoke)


def links_go(deps: Deps) -> None:
    """Pass while people sign in by one-time links; raise `links_stopped` once an identity provider is connected."""
    if deps.provider is not None:
        url = f"{deps.base_url}/sign-in"
        hint = f"Sign in with {deps.provider.label}: {url}, or skipass login."
        raise SkipassError("links_stopped", hint=hint, details={"url": url})


async def add_link(unit: UnitOfWork, user: User, by: str) -> Secret[str]:
    """Make a one-time sign-in token for a person and void the earlier ones."""
    for earlier in await unit.find(SignInLink, user_id=user.id, used_at=None):
        await unit.change(earlier, used_at=unit.now)
    link, token = new_link(user.tenant_id, user.id, unit.now)
    await unit.insert(link)
    await touched(unit, user, by, "link", link.id)
    unit.emit(Event(user.tenant_id, "link.created", link.id, {"user_id": user.id, "by": by}))
    return token


async def use_link(unit: UnitOfWork, token: str) -> tuple[SignInLink, User]:
    """Use up a one-time link and return it with its person, or raise `link_used`."""
    links = await unit.find(SignInLink, hash=hashed(token), limit=1)
    link = links[0] if links else None
    if link is None or link.used_at is not None or link.expires_at <= unit.now:
        raise SkipassError("link_used", hint="Ask an admin for a new one: skipass user link NAME.")
    user = await unit.get(User, link.user_id, state=Life.ACTIVE)
    if user is None:
        raise SkipassError("link_used", "The person is disabled.")
    return await unit.change(link, used_at=unit.now), await unit.change(user, signed_in_at=unit.now)


async def touched(unit: UnitOfWork, user: User, by: str, what: str, change_id: str | None = None) -> None:
    """Keep that `by` made or changed this person's identity: it decides who may decide for the next thirty days."""
    change = IdentityChange(change_id or new_id("change", unit.now), user.tenant_id, user.id, by, what, unit.now)
    await unit.insert(change)


async def named(reader: Reader, tenant_id: str, name: str) -> User:
    """Return the person of a name, disabled ones too; raises `not_found`."""
    found = await reader.find(User, tenant_id=tenant_id, name=name, end_user_of=None, limit=1)
    if not found:
        raise SkipassError("not_found", f"There is no user {name[:80]!r}.", "See skipass user list.")
    return found[0]


def is_plain_name(name: str) -> bool:
    """Return whether a text can be a person's name here."""
    return 0 < len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "._@-") for c in name)
