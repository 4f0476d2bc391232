"""Sign-ins in a browser: short, and each good for one decision at most. Knows no cookie and no page."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from skipass.access.approvals import FRESH
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.people import links_go, use_link
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.keys import hashed
from skipass.ids import new_id
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Principal
from skipass.nouns.signin import IdentityChange, SignIn
from skipass.secret import Secret

LIFE = timedelta(minutes=30)
_HINT = "Sign in anew: with the identity provider, or with a new one-time link: skipass user link NAME."


class SignIns:
    """The use cases of browser sign-ins."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def open(self, token: str) -> Secret[str]:
        """Return the text of a new sign-in for the person of a one-time link; raises `link_used` for any other.

        It looks for half an hour, and decides once within the first five minutes.
        """

        async def use(unit: UnitOfWork) -> Secret[str]:
            link, user = await use_link(unit, token)
            made = await unit.get(IdentityChange, link.id)
            by = made.by if made else "unknown"
            unit.emit(Event(user.tenant_id, "link.used", user.id, {"link": link.id}))
            facts = {"link": link.id, "link_by": by}
            return await begin_sign_in(unit, user, made_by=by, proved_at=unit.now, facts=facts)

        links_go(self._deps)
        return await self._deps.journal.write(use)

    async def principal(self, text: str) -> Principal:
        """Return the person of a sign-in; raises `sign_in_required` when it has ended or never was."""

        async def load(reader: Reader) -> Principal:
            found = await reader.find(SignIn, hash=hashed(text), limit=1)
            sign_in = found[0] if found else None
            if sign_in is None or sign_in.ended_at is not None or sign_in.expires_at <= reader.now:
                raise SkipassError("sign_in_required", hint=_HINT)
            user = await reader.get(User, sign_in.user_id, tenant_id=sign_in.tenant_id, state=Life.ACTIVE)
            if user is None:
                raise SkipassError("sign_in_required", "The person is disabled.")
            return Principal(
                tenant_id=user.tenant_id,
                credential_id=sign_in.id,
                user_id=user.id,
                user_name=user.name,
                user_version=user.version,
                roles=frozenset(user.roles),
                sign_in_id=sign_in.id,
            )

        return await self._deps.journal.read(load)

    async def may_decide(self, principal: Principal) -> bool:
        """Return whether this sign-in is still fresh and has not decided yet."""

        async def load(reader: Reader) -> bool:
            sign_in = await reader.get(SignIn, principal.sign_in_id)
            return sign_in is not None and await _why_not(reader, sign_in) is None

        return await self._deps.journal.read(load)

    async def end(self, principal: Principal) -> None:
        """Sign out."""

        async def end(unit: UnitOfWork) -> None:
            sign_in = await unit.get(SignIn, principal.sign_in_id, ended_at=None)
            if sign_in is not None:
                await unit.change(sign_in, ended_at=unit.now)
                unit.emit(Event(sign_in.tenant_id, "sign_in.ended", sign_in.id, {"user_id": sign_in.user_id}))

        await self._deps.journal.write(end)


async def begin_sign_in(
    unit: UnitOfWork,
    user: User,
    *,
    made_by: str,
    proved_at: datetime | None,
    facts: Mapping[str, Any],
    proof: str | None = None,
) -> Secret[str]:
    """Keep a new sign-in of a person and return its text; without `proved_at` it looks, and decides nothing."""
    text = secrets.token_urlsafe(32)
    sign_in = SignIn(
        id=new_id("sign_in", unit.now),
        tenant_id=user.tenant_id,
        user_id=user.id,
        hash=hashed(text),
        made_by=made_by,
        created_at=unit.now,
        expires_at=unit.now + LIFE,
        proved_at=proved_at,
        proof=proof,
    )
    await unit.insert(sign_in)
    unit.emit(Event(user.tenant_id, "sign_in.opened", sign_in.id, {"user_id": user.id, **facts}))
    return Secret(text)


async def consume(unit: UnitOfWork, sign_in_id: str) -> SignIn:
    """Use a sign-in up for one decision, in that decision's transaction; raises `sign_in_required`."""
    sign_in = await unit.get(SignIn, sign_in_id)
    why = "There is no such sign-in." if sign_in is None else await _why_not(unit, sign_in)
    if sign_in is None or why:
        raise SkipassError("sign_in_required", why, _HINT)
    return await unit.change(sign_in, decided_at=unit.now)


async def _why_not(reader: Reader, sign_in: SignIn) -> str | None:
    """Return why a sign-in does not decide, or None.

    A provider that answers twice for the same moment proves nothing anew, so what decided then has decided.
    """
    stale = _stale(sign_in, reader)
    if stale is not None:
        return stale
    same = await reader.find(SignIn, user_id=sign_in.user_id, proved_at=sign_in.proved_at)
    return "This proof of who you are has decided once already." if any(one.decided_at for one in same) else None


def _stale(sign_in: SignIn, reader: Reader) -> str | None:
    if sign_in.ended_at is not None or sign_in.expires_at <= reader.now:
        return "The sign-in has ended."
    if sign_in.decided_at is not None:
        return "This sign-in has decided once already."
    if sign_in.proved_at is None:
        return "Deciding takes a fresh sign-in, for which the identity provider asks again who you are."
    if reader.now - min(sign_in.proved_at, sign_in.created_at) > FRESH:
        return "The sign-in is older than five minutes; deciding takes a fresh one."
    return None
