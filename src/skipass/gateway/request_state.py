"""Request state: what an MCP client carries from a call that waits for its user to the retry of that very call.

It is sealed and bound to tenant, agent, user, slug, method, tool and arguments, and it ends after fifteen minutes. It
grants nothing: the retry is judged as any call is. So nothing is kept, and any replica reads what another has sealed.
Source: MCP 2026-07-28, Multi Round-Trip Requests (Server Requirements)
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.ids import digest
from skipass.nouns.principal import Principal
from skipass.tools.call import WaitingCall
from skipass.vault.seal import Place, seal, unseal

LIFE = timedelta(minutes=15)
MOST_CHARS = 1_000


class RequestStates:
    """Seals and opens the state of calls that wait."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    def seal(self, principal: Principal, waiting: WaitingCall) -> str:
        """Return the state of a call of this caller, as text of `A-Za-z0-9_-`."""
        until = (self._deps.journal.now() + LIFE).timestamp()
        sealed = seal(self._deps.kek, json.dumps({"until": until}).encode(), _place(principal, waiting))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def check(self, principal: Principal, waiting: WaitingCall, state: str) -> None:
        """Pass for a state of this very call by this very caller while its time is not over.

        Raises `invalid_request_state`.
        """
        try:
            plain = json.loads(unseal(self._deps.kek, _raw(state), _place(principal, waiting)))
        except (SkipassError, ValueError):
            # Which of it does not fit is nothing that whoever made it up need know.
            raise _refused("It was not given for this call, or was changed.") from None
        if plain["until"] <= self._deps.journal.now().timestamp():
            raise _refused("Its fifteen minutes are over.")


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
