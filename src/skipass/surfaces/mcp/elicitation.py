"""Asking a user, through their client, to open our page and connect an account: URL elicitation, and the way back.

It is only asked of a client that says in the very request that it opens URLs; every other one gets the address as a
tool's answer. That the user agreed to open it says nothing about what they did there, so the retry looks again.
Clients of the handshake era name their capabilities once, and a server without transport sessions forgets them: they
get the answer as well.
Source: MCP 2026-07-28, Elicitation (URL Mode) and Multi Round-Trip Requests
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from skipass.errors import SkipassError
from skipass.nouns.principal import Principal
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, Fault
from skipass.surfaces.mcp.ports import WaitingCalls
from skipass.surfaces.mcp.revisions import META_CAPABILITIES, META_VERSION, meta_of
from skipass.tools.call import WaitingCall

KEY = "connect_account"
"""What our question is called among the answers."""


class Said(StrEnum):
    """What a user said to being asked. Source: MCP 2026-07-28, Elicitation (Response Actions)."""

    ACCEPT = "accept"
    DECLINE = "decline"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Elicitation:
    """One request that may have to wait for its user: by whom, which, and the params that it came with."""

    waiting_calls: WaitingCalls
    principal: Principal
    call: WaitingCall
    params: Mapping[str, Any]

    async def come_back(self, wait_s: float) -> SkipassError | None:
        """Take up the retry of a call that waited: return why it is not to run, or None once it may be tried.

        A user who agreed gets `wait_s` seconds to finish, so that a client that retries at once does not ask for ever.
        Raises -32602 for a state that is not of this very call. A request without a state is a first one.
        """
        state = self.params.get("requestState") if self._is_modern else None
        if state is None:
            return None
        if not isinstance(state, str):
            raise Fault(INVALID_PARAMS, "requestState must be a string.")
        role = self._checked(state)
        said = self._said()
        if said in (Said.DECLINE, Said.CANCEL):
            message = f"The user was asked to connect their Snowflake account and said: {said}."
            return SkipassError("consent_declined", message, "Ask again only if the user wants it; nothing was run.")
        if said is Said.ACCEPT:
            await self.waiting_calls.connected(self.principal, self.call.slug, role, wait_s)
        return None

    def question(self, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the InputRequiredResult for a refusal's fields, or None where there is nothing or nobody to ask."""
        url = fields.get("url")
        if not isinstance(url, str) or not self._opens_urls:
            return None
        on, role = fields.get("connection"), fields.get("role")
        message = f"Connect your Snowflake account on {on}" + (f" for the role {role}." if role else ".")
        request = {"mode": "url", "message": f"{message} The call goes on when that is done.", "url": url}
        return {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": "elicitation/create", "params": request}},
            "requestState": self.waiting_calls.seal(self.principal, self.call, role),
        }

    def _checked(self, state: str) -> str | None:
        try:
            return self.waiting_calls.check(self.principal, self.call, state)
        except SkipassError as error:
            raise Fault(INVALID_PARAMS, error.message, cause=error) from None

    def _said(self) -> Said | None:
        responses = self.params.get("inputResponses")
        if responses is not None and not isinstance(responses, dict):
            raise Fault(INVALID_PARAMS, "inputResponses must be an object.")
        answer = (responses or {}).get(KEY)
        action = answer.get("action") if isinstance(answer, dict) else None
        return Said(action) if action in {one.value for one in Said} else None

    @property
    def _is_modern(self) -> bool:
        return META_VERSION in meta_of(self.params)

    @property
    def _opens_urls(self) -> bool:
        declared = meta_of(self.params).get(META_CAPABILITIES)
        elicitation = declared.get("elicitation") if isinstance(declared, dict) else None
        return self._is_modern and isinstance(elicitation, dict) and isinstance(elicitation.get("url"), dict)
