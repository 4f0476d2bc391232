"""Calls that wait for their user to connect an account: what a client carries to the retry, and the wait for it.

What it carries is sealed and bound to tenant, agent, user, slug, method, tool and arguments, and ends after fifteen
minutes. It grants nothing: the retry is judged as any call is. So nothing is kept, and any replica reads what another
has sealed.
Source: MCP 2026-07-28, Multi Round-Trip Requests (Server Requirements)
"""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.sessions import LOOK_S, MOST_WAIT_S
from skipass.gateway.standing import standing
from skipass.ids import digest
from skipass.nouns.principal import Principal
from skipass.tools.call import WaitingCall
from skipass.vault.seal import Place, seal, unseal

LIFE = timedelta(minutes=15)
MOST_CHARS = 1_000


class WaitingCalls:
    """Satisfies `skipass.surfaces.mcp.ports.WaitingCalls`."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def seal(self, principal: Principal, waiting: WaitingCall, role: str | None) -> str:
        """Return the state of a call that waits for an account of this role, as text of `A-Za-z0-9_-`."""
        plain = {"until": (self._deps.journal.now() + LIFE).timestamp(), "role": role}
        sealed = seal(self._deps.kek, json.dumps(plain).encode(), _place(principal, waiting))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def check(self, principal: Principal, waiting: WaitingCall, state: str) -> str | None:
        """Return the role that a state was sealed with, if it is of this very call by this very caller and in time.

        Raises `invalid_request_state`.
        """
        try:
            plain: dict[str, Any] = json.loads(unseal(self._deps.kek, _raw(state), _place(principal, waiting)))
        except (SkipassError, ValueError):
            # Which of it does not fit is nothing that whoever made it up need know.
            raise _refused("It was not given for this call, or was changed.") from None
        if plain["until"] <= self._deps.journal.now().timestamp():
            raise _refused("Its fifteen minutes are over.")
        role: str | None = plain["role"]
        return role

    async def connected(self, principal: Principal, slug: str, role: str | None, wait_s: float) -> None:
        """Return once the caller's user has an account for a role, or after `wait_s` seconds, fifty at most.

        Changes nothing, so it may be left at any time. Raises what a call at the slug would be refused with, but not
        `consent_required`.
        """
        until = self._deps.clock.monotonic() + min(wait_s, MOST_WAIT_S)
        while not await self._has_account(principal, slug, role):
            left = until - self._deps.clock.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(LOOK_S, left))

    async def _has_account(self, principal: Principal, slug: str, role: str | None) -> bool:
        try:
            here = await standing(self._deps, principal, slug=slug)
            here.ways.by(role or here.connection.role)
        except SkipassError as refused:
            if refused.code != "consent_required":
                raise
            return False
        return True


def _place(principal: Principal, waiting: WaitingCall) -> Place:
    arguments = json.dumps(waiting.arguments, sort_keys=True).encode()
    parts = (principal.agent_id or "", waiting.slug, waiting.method, waiting.name)
    call = digest(b"request_state", json.dumps(parts).encode(), arguments)
    return Place(principal.tenant_id, "request_state", call, user_id=principal.user_id or "")


def _raw(state: str) -> bytes:
    if len(state) > MOST_CHARS:
        raise ValueError("longer than any that is given")
    return base64.b64decode(state.encode("ascii") + b"=" * (-len(state) % 4), altchars=b"-_", validate=True)


def _refused(why: str) -> SkipassError:
    message = f"The requestState does not belong here. {why}"
    return SkipassError("invalid_request_state", message, "Make the call without it.")
