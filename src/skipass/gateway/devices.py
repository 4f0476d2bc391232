"""The device grant: a program without a browser asks, a person in any browser says yes, the program collects.

Guessing is bounded: codes are short-lived, a signed-in person gets few wrong ones, and nobody asks in floods.
Source: RFC 8628 §3 and §5
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rates import Rate
from skipass.gateway.tokens_issued import CLI, Granted, TokenRefused, give_login, granted
from skipass.identity.keys import LOGIN_LIFE, hashed
from skipass.ids import new_id
from skipass.nouns.grants import DeviceGrant, DeviceState
from skipass.nouns.people import Life, Tenant, User
from skipass.nouns.principal import Principal
from skipass.secret import Secret

LIFE = timedelta(minutes=10)
INTERVAL_S = 2
ASKED_A_MINUTE, ASKED_BY_ONE_A_MINUTE = 200, 20
WRONG_CODES, WRONG_CODES_S = 10, 600.0
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a program is told that asks: the code it polls with, and the one a person reads and types."""

    device_code: Secret[str]
    user_code: str
    expires_in_s: int
    interval_s: int = INTERVAL_S


class Devices:
    """The use cases of the device grant."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._asked = Rate(deps.clock, ASKED_A_MINUTE, 60.0)
        self._asked_by_one = Rate(deps.clock, ASKED_BY_ONE_A_MINUTE, 60.0)
        self._wrong = Rate(deps.clock, WRONG_CODES, WRONG_CODES_S)

    async def ask(self, client_id: str, address: str | None) -> Wait:
        """Return a fresh pair of codes, good for ten minutes; raises `temporarily_unavailable` for a flood."""
        if client_id != CLI:
            raise TokenRefused("invalid_client", "There is no such public client.", code="unauthenticated")
        if not (self._asked_by_one.take(address or _ALL) and self._asked.take(_ALL)):
            raise TokenRefused("temporarily_unavailable", "Too many programs ask at the moment.")
        code, read = secrets.token_urlsafe(32), "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))

        async def ask(unit: UnitOfWork) -> None:
            (tenant,) = await unit.find(Tenant, limit=1)
            made = DeviceGrant(
                id=new_id("device", unit.now),
                tenant_id=tenant.id,
                client_id=client_id,
                hash=hashed(code),
                user_code_hash=hashed(read),
                state=DeviceState.WAITING,
                created_at=unit.now,
                expires_at=unit.now + LIFE,
                address=address,
            )
            await unit.insert(made)
            unit.emit(Event(tenant.id, "device.asked", made.id, {"client": client_id, "address": address}))

        await self._deps.journal.write(ask)
        return Wait(Secret(code), f"{read[:4]}-{read[4:]}", int(LIFE.total_seconds()))

    async def look(self, principal: Principal, user_code: str) -> DeviceGrant:
        """Return what waits under a code that a signed-in person typed; raises `not_found`, for too many as well."""
        person = _person(principal)
        if not self._wrong.allows(person):
            raise SkipassError("not_found", "Too many codes that did not fit.", "Wait ten minutes, then start again.")
        found = await self._deps.journal.read(lambda reader: _waiting(reader, principal, user_code))
        if found is None:
            self._wrong.take(person)
            raise SkipassError("not_found", "No program waits under this code.", "Look at it again, or start again.")
        return found

    async def decide(self, principal: Principal, user_code: str, *, allow: bool) -> None:
        """Let the program that waits act as this person, or turn it away."""
        person = _person(principal)
        waiting = await self.look(principal, user_code)
        to = DeviceState.APPROVED if allow else DeviceState.DENIED

        async def decide(unit: UnitOfWork) -> None:
            await unit.change(waiting, state=to, user_id=person)
            facts = {"user_id": person, "sign_in": principal.sign_in_id}
            unit.emit(Event(waiting.tenant_id, f"device.{to.value}", waiting.id, facts))

        await self._deps.journal.write(decide)

    async def by_device(self, client_id: str, device_code: str) -> Granted:
        """Return the token a program waited for, once; until then raises what RFC 8628 §3.5 has a program told."""

        async def collect(unit: UnitOfWork) -> Granted | TokenRefused:
            found = await unit.find(DeviceGrant, hash=hashed(device_code), client_id=client_id, limit=1)
            if not found or found[0].state is DeviceState.USED:
                return TokenRefused("invalid_grant", "The device code is unknown or used.")
            return await _collected(unit, found[0])

        if not await self._deps.journal.read(lambda reader: _due(reader, device_code)):
            raise TokenRefused("slow_down", "Wait five seconds longer between two questions.")
        answer = await self._deps.journal.write(collect)
        if isinstance(answer, TokenRefused):
            raise answer
        return answer


async def _collected(unit: UnitOfWork, grant: DeviceGrant) -> Granted | TokenRefused:
    if grant.expires_at <= unit.now:
        return TokenRefused("expired_token", "Nobody said yes in time.")
    if grant.state is DeviceState.DENIED:
        return TokenRefused("access_denied", "The person said no.")
    if grant.state is DeviceState.WAITING:
        await unit.change(grant, polled_at=unit.now)
        return TokenRefused("authorization_pending", "Nobody has said yes yet.")
    user = await unit.get(User, grant.user_id, state=Life.ACTIVE)
    if user is None:
        return TokenRefused("access_denied", "The person is disabled.")
    await unit.change(grant, state=DeviceState.USED)
    return granted(await give_login(unit, user, grant.id), user.name, LOGIN_LIFE)


async def _due(reader: Reader, device_code: str) -> bool:
    """Return whether enough time has passed since the program asked last; only then is anything written."""
    found = await reader.find(DeviceGrant, hash=hashed(device_code), limit=1)
    last = found[0].polled_at if found else None
    return last is None or reader.now - last >= timedelta(seconds=INTERVAL_S * 0.9)


async def _waiting(reader: Reader, principal: Principal, user_code: str) -> DeviceGrant | None:
    typed = "".join(letter for letter in user_code.upper() if letter in _LETTERS)[: _LENGTH + 1]
    where: dict[str, Any] = {"tenant_id": principal.tenant_id, "state": DeviceState.WAITING}
    where |= {"expires_at__gt": reader.now}
    found = await reader.find(DeviceGrant, user_code_hash=hashed(typed), limit=1, **where)
    return found[0] if found else None


def _person(principal: Principal) -> str:
    if principal.sign_in_id is None or principal.user_id is None:
        raise SkipassError("sign_in_required")
    return principal.user_id
