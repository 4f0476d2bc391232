"""The control endpoint: what calls arrived, which faults the next ones meet, how open points are read.

Loopback only, behind a random token of its own; it is no part of what a Snowflake account offers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from skipass.sandbox.account import CHOICES, COUNTS, Account, Switches
from skipass.sandbox.idp import changes
from skipass.sandbox.idp.provider import Provider
from skipass.sandbox.oauth import tokens

FAULTS = (
    "delay", "hang", "throttle", "error_json", "error_html", "cut_before", "cut_after", "wrong_json", "token_expired",
    "network_policy", "unknown_account", "late", "twice", "cut_middle", "invalid_client", "invalid_grant",
    "hang_after", "without", "not_object", "too_large", "drip",
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """A fault for the next `count` matching calls.

    `status` serves the error faults, `delay_ms` the delays, `member` names what an answer comes `without`.
    """

    kind: str
    count: int = 1
    method: str = ""
    path: str = ""
    status: int = 503
    delay_ms: int = 0
    member: str = ""
    probability: float = 1.0


@dataclass(slots=True)
class Call:
    """One recorded call, without its credential.

    Of a token request there are the grant type, the OAuth `error`, and `spent`: the same text for two uses of one code
    or refresh token, and of no other, which does not tell the token.
    """

    method: str
    path: str
    request_id: str | None
    retry: bool
    statement: str | None = None
    statement_sha256: str | None = None
    query_tag: str | None = None
    user: str | None = None
    role: str | None = None
    handle: str | None = None
    status: int | None = None
    fault: str | None = None
    grant_type: str | None = None
    integration: str | None = None
    spent: str | None = None
    error: str | None = None
    tool: str | None = None


@dataclass(slots=True)
class Control:
    """State behind the endpoint, shared with the app that serves the accounts."""

    accounts: dict[str, Account]
    token: str
    provider: Provider | None = None
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Take the first fault that this call meets, or None."""
        for fault in self.faults:
            matches = fault.method in ("", method) and fault.path in path
            if matches and fault.count > 0 and self.random.random() < fault.probability:
                fault.count -= 1
                return fault
        return None

    async def answer(self, request: Request) -> Response:
        """Answer one control request: GET state or calls, POST faults or switches, POST reset."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return JSONResponse({"error": "unauthenticated"}, 401)
        route = (request.method, request.path_params["action"])
        if route not in _ROUTES:
            return JSONResponse({"error": "not_found"}, 404)
        try:
            body = json.loads(await request.body() or b"{}")
            return JSONResponse(_ROUTES[route](self, body))
        except (TypeError, ValueError, KeyError) as error:
            return JSONResponse({"error": str(error)}, 400)

    def state(self, _: dict[str, Any]) -> dict[str, Any]:
        """Return the accounts: switches, counts of token requests, how often the two privilege checks disagreed."""
        return {"accounts": {name: _state(one) for name, one in self.accounts.items()}}

    def recorded(self, _: dict[str, Any]) -> dict[str, Any]:
        """Return every call so far, oldest first."""
        return {"calls": [asdict(call) for call in self.calls]}

    def set_faults(self, body: dict[str, Any]) -> dict[str, Any]:
        """Replace the faults by `{"faults": [...], "seed"?}`."""
        faults = [Fault(**one) for one in body["faults"]]
        for fault in faults:
            if fault.kind not in FAULTS:
                raise ValueError(f"unknown fault {fault.kind!r}; known: {', '.join(FAULTS)}")
        if "seed" in body:
            self.random.seed(body["seed"])
        self.faults = faults
        return {"faults": [asdict(fault) for fault in faults]}

    def set_switches(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set switches by name on the account that `account` names, or on all."""
        wanted = body.pop("account", None)
        known = {one.name: one for one in fields(Switches)}
        for name, value in body.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(known)}")
            for account in self.accounts.values():
                if wanted in (None, account.identifier):
                    setattr(account.switches, name, _switch(name, value))
        return self.state({})

    def change_tokens(self, body: dict[str, Any]) -> dict[str, Any]:
        """`expire` or `revoke` now what OAuth integrations issued: of `user` and `integration`, or of all."""
        user, integration = body.get("user"), body.get("integration")
        ended = 0
        for account in self.accounts.values():
            with account.lock:
                if body["action"] == "expire":
                    ended += tokens.expire_access(account, user)
                elif body["action"] == "revoke":
                    ended += account.sign_in.end_matching(integration=integration, user=user)
                else:
                    raise ValueError("action is expire or revoke")
                account.save()
        return {"ended": ended}

    def change_provider(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change the provider's keys, people or server, or mint a token, as `idp.changes` says."""
        if self.provider is None:
            raise ValueError("there is no provider")
        return changes.run(self.provider, body)

    def reset(self, _: dict[str, Any]) -> dict[str, Any]:
        """Forget calls, counts and faults and put every switch back; data stays."""
        self.calls.clear()
        self.faults.clear()
        for account in self.accounts.values():
            account.switches = Switches()
            account.counts.clear()
        return self.state({})


_ROUTES: dict[tuple[str, str], Callable[[Control, dict[str, Any]], dict[str, Any]]] = {
    ("GET", "state"): Control.state,
    ("GET", "calls"): Control.recorded,
    ("POST", "faults"): Control.set_faults,
    ("POST", "switches"): Control.set_switches,
    ("POST", "reset"): Control.reset,
    ("POST", "tokens"): Control.change_tokens,
    ("POST", "idp"): Control.change_provider,
}


def _state(account: Account) -> dict[str, Any]:
    return {
        "switches": asdict(account.switches),
        "counts": {name: account.counts[name] for name in COUNTS},
        "disagreements": account.disagreements,
    }


def _switch(name: str, value: Any) -> Any:
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}")
    kind = type(getattr(Switches(), name))
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return kind(value)


def record(control: Control, request: Request) -> Call:
    """Start the record of a call; the rest is filled in when it was answered."""
    query = request.query_params
    call = Call(request.method, request.url.path, query.get("requestId"), query.get("retry", "").lower() == "true")
    control.calls.append(call)
    return call


def complete(call: Call, state: dict[str, Any], status: int | None) -> None:
    """Fill in what the API learnt while answering."""
    call.status = status
    call.user, call.role, call.handle = state.get("user"), state.get("role"), state.get("handle")
    call.query_tag, call.statement = state.get("tag"), state.get("statement")
    call.grant_type, call.integration, call.tool = state.get("grant_type"), state.get("integration"), state.get("tool")
    call.spent, call.error = state.get("spent"), state.get("error")
    if call.statement is not None:
        call.statement_sha256 = hashlib.sha256(call.statement.encode()).hexdigest()
