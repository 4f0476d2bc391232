"""Asking a user, through their client, to open our page and connect an account: URL elicitation, and the way back.

It is only asked of a client that says in the very request that it opens URLs; every other one gets the address as a
tool's answer. That the user agreed to open it says nothing about what they did there, so the retry looks again.
Clients of the handshake era name their capabilities once, and a server without transport sessions forgets them: they
get the answer as well.
Source: MCP 2026-07-28, Elicitation (URL Mode) and Multi Round-Trip Requests
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from skipass.errors import SkipassError
from skipass.surfaces.mcp.exchange import Exchange
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, Fault
from skipass.surfaces.mcp.ports import WaitingCalls
from skipass.surfaces.mcp.revisions import META_CAPABILITIES, Era, meta_of
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
    """One request that may have to wait for its user: a tool's name with its arguments, or a resource's URI."""

    exchange: Exchange
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    async def come_back(self) -> SkipassError | None:
        """Take up the retry of a call that waited: return why it is not to run, or None once it may be tried.

        A user who agreed gets as long to finish as a call may wait, so that a client which retries at once does not
        ask for ever. Raises -32602 for a state that is not of this very call. A request without a state is a first one.
        """
        waiting, exchange = self.exchange.waiting, self.exchange
        state = exchange.params.get("requestState") if exchange.era is Era.MODERN else None
        if waiting is None or state is None:
            return None
        if not isinstance(state, str):
            raise Fault(INVALID_PARAMS, "requestState must be a string.")
        role = self._checked(waiting, state)
        said = self._said()
        if said in (Said.DECLINE, Said.CANCEL):
            message = f"The user was asked to connect their Snowflake account and said: {said}."
            return SkipassError("consent_declined", message, "Ask again only if the user wants it; nothing was run.")
        if said is Said.ACCEPT:
            await waiting.connected(exchange.principal, exchange.server.slug, role, exchange.call.wait_s)
        return None

    def question(self, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the InputRequiredResult for a refusal's fields, or None where there is nothing or nobody to ask."""
        url, waiting = fields.get("url"), self.exchange.waiting
        if waiting is None or not isinstance(url, str) or not self._opens_urls:
            return None
        on, role = fields.get("connection"), fields.get("role")
        message = f"Connect your Snowflake account on {on}" + (f" for the role {role}." if role else ".")
        request = {"mode": "url", "message": f"{message} The call goes on when that is done.", "url": url}
        return {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": "elicitation/create", "params": request}},
            "requestState": waiting.seal(self.exchange.principal, self._call, role),
        }

    def _checked(self, waiting: WaitingCalls, state: str) -> str | None:
        try:
            return waiting.check(self.exchange.principal, self._call, state)
        except SkipassError as error:
            raise Fault(INVALID_PARAMS, error.message, cause=error) from None

    def _said(self) -> Said | None:
        responses = self.exchange.params.get("inputResponses")
        if responses is not None and not isinstance(responses, dict):
            raise Fault(INVALID_PARAMS, "inputResponses must be an object.")
        answer = (responses or {}).get(KEY)
        action = answer.get("action") if isinstance(answer, dict) else None
        return Said(action) if action in {one.value for one in Said} else None

    @property
    def _call(self) -> WaitingCall:
        exchange = self.exchange
        return WaitingCall(exchange.server.slug, exchange.method, self.name, self.arguments)

    @property
    def _opens_urls(self) -> bool:
        declared = meta_of(self.exchange.params).get(META_CAPABILITIES)
        elicitation = declared.get("elicitation") if isinstance(declared, dict) else None
        opens = isinstance(elicitation, dict) and isinstance(elicitation.get("url"), dict)
        return opens and self.exchange.era is Era.MODERN
