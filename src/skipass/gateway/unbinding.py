"""Unbinding: an admin takes back who the identity provider says a person is, where that person has another subject now.

Everything that the earlier subject opened ends in the same transaction. Whoever the provider names like this person is
bound at their next sign-in; who may decide what is judged as after any other touch on an identity.
"""

from __future__ import annotations

from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.cutting import cut
from skipass.gateway.deps import Deps
from skipass.gateway.people import named, require, touched
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.grants import AuthCode, DeviceGrant, DeviceState
from skipass.nouns.oauth import Consent, TokenFamily
from skipass.nouns.people import ApiKey, KeyUse, SignInLink, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import EndReason
from skipass.nouns.signin import SignIn

WHY = "its user was unbound"
_MOST = 100_000


class Unbinding:
    """The use case of unbinding a person."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def unbind(self, principal: Principal, name: str) -> User:
        """Return the person, bound to nobody: their sign-ins, tokens and sessions have ended, claims are forgotten.

        Roles, groups and connected accounts stay for who is bound next. One of the two people `init` named is a person
        like any other from then on, for it is no longer known to be the same one. Raises `not_found`, and `conflict`
        for somebody who is bound to nobody.
        """
        by = require(principal, Role.ADMIN)

        async def unbind(unit: UnitOfWork) -> User:
            user = await named(unit, principal.tenant_id, name)
            if user.subject is None:
                hint = "Their next sign-in with the identity provider binds them."
                raise SkipassError("conflict", f"{user.name} is bound to nobody.", hint)
            await cut(unit, by, EndReason.REVOKED, user_id=user.id)
            await _end_entries(unit, user)
            await _end_tokens(unit, user, by)
            await touched(unit, user, by, "unbound")
            facts = {"subject": user.subject, "founder": user.founder, "by": by}
            unit.emit(Event(user.tenant_id, "user.unbound", user.id, facts))
            bare: dict[str, Any] = {"subject": None, "claims": {}, "signed_in_at": None, "founder": False}
            return await unit.change(user, **bare, changed_by=by, changed_at=unit.now)

        return await self._deps.journal.write(unbind)


async def _end_entries(unit: UnitOfWork, user: User) -> None:
    """End the person's sign-ins, and what could still become a token: links, codes, programs that wait."""
    for sign_in in await unit.find(SignIn, user_id=user.id, ended_at=None, expires_at__gt=unit.now, limit=_MOST):
        await unit.change(sign_in, ended_at=unit.now)
        unit.emit(Event(user.tenant_id, "sign_in.ended", sign_in.id, {"user_id": user.id, "why": WHY}))
    for link in await unit.find(SignInLink, user_id=user.id, used_at=None, limit=_MOST):
        await unit.change(link, used_at=unit.now)
    for code in await unit.find(AuthCode, user_id=user.id, used_at=None, limit=_MOST):
        await unit.change(code, used_at=unit.now)
    for grant in await unit.find(DeviceGrant, user_id=user.id, state=DeviceState.APPROVED, limit=_MOST):
        await unit.change(grant, state=DeviceState.DENIED)
        unit.emit(Event(user.tenant_id, "device.denied", grant.id, {"user_id": user.id, "why": WHY}))


async def _end_tokens(unit: UnitOfWork, user: User, by: str) -> None:
    """Revoke the person's own tokens, and what they agreed to for MCP clients with every token given for it."""
    for key in await unit.find(ApiKey, owner_id=user.id, use=KeyUse.LOGIN, revoked_at=None, limit=_MOST):
        await unit.change(key, revoked_at=unit.now)
        unit.emit(Event(key.tenant_id, "key.revoked", key.id, {"owner": user.id, "why": WHY}))
    for consent in await unit.find(Consent, user_id=user.id, revoked_at=None, limit=_MOST):
        await unit.change(consent, revoked_at=unit.now)
        facts = {"user_id": user.id, "client": consent.client_id, "resource": consent.resource, "by": by, "why": WHY}
        unit.emit(Event(consent.tenant_id, "consent.revoked", consent.id, facts))
    for family in await unit.find(TokenFamily, user_id=user.id, revoked_at=None, limit=_MOST):
        await unit.change(family, revoked_at=unit.now)
        facts = {"agent_id": family.agent_id, "client": family.client_id, "why": WHY}
        unit.emit(Event(family.tenant_id, "family.revoked", family.id, facts))
