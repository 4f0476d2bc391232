"""The token endpoint: code exchange and refresh, answered in the vendor's shape or in the RFC's.

Source: https://docs.snowflake.com/en/user-guide/oauth-custom and RFC 6749 section 5.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from skipass.sandbox.account import Account
from skipass.sandbox.address import base_url, client_address
from skipass.sandbox.oauth import policies, tokens
from skipass.sandbox.oauth.clients import BadClient, authenticate
from skipass.sandbox.oauth.model import Integration, mark
from skipass.sandbox.oauth.tokens import BadGrant, Tokens

PATH = "/oauth/token-request"
MAX_FORM_BYTES = 65_536
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_TEXTS = {
    "invalid_client": "This is an invalid client.",
    "unsupported_grant_type": "The grant type is not supported.",
    "invalid_request": "A needed parameter is missing or malformed.",
}


_COUNTED = {"authorization_code": "codes_exchanged", "refresh_token": "tokens_refreshed"}


class _Refused(Exception):
    """The request is answered with an OAuth error: its name, and a text for people."""

    def __init__(self, error: str, text: str = "") -> None:
        super().__init__(error)
        self.error, self.text = error, text or _TEXTS[error]


async def answer(request: Request, account: Account) -> Response:
    """Answer one token request; every answer forbids caching."""
    state: dict[str, Any] = request.scope["state"]
    try:
        form = await _form(request)
        state["grant_type"] = form.get("grant_type")
        state["spent"] = mark(form)
        one = _client(request, account, form)
        state["integration"] = one.name
        with account.lock:
            found = _tokens(account, one, form)
            account.counts[_COUNTED[form["grant_type"]]] += 1
            account.save()
        state["user"] = found.family.user
        state["role"] = found.family.role
        return JSONResponse(_body(found, form["grant_type"]), 200, _NO_STORE)
    except _Refused as refused:
        state["error"] = refused.error
        with account.lock:
            account.counts["requests_refused"] += 1
            account.save()
        status = int(account.switches.invalid_client_status) if refused.error == "invalid_client" else 400
        return JSONResponse(_error(account, refused), status, _NO_STORE)


async def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    raw = await request.body()
    if kind != "application/x-www-form-urlencoded" or len(raw) > MAX_FORM_BYTES:
        raise _Refused("invalid_request")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise _Refused("invalid_request") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused("invalid_request")
    return form


def _client(request: Request, account: Account, form: dict[str, str]) -> Integration:
    spellings = frozenset({f"https://{account.host}{PATH}", f"{base_url(request, account)}{PATH}"})
    try:
        one = authenticate(account, request.headers.get("authorization", ""), form, spellings)
    except BadClient:
        raise _Refused("invalid_client") from None
    policy = account.sign_in.policies.get(one.text("NETWORK_POLICY") or account.sign_in.account_policy)
    if not one.enabled or not policies.admits(policy, client_address(request)):
        raise _Refused("invalid_client")
    return one


def _tokens(account: Account, one: Integration, form: dict[str, str]) -> Tokens:
    grant = form.get("grant_type", "")
    try:
        if grant == "authorization_code":
            code, redirect = form.get("code"), form.get("redirect_uri")
            if not code or not redirect:
                raise _Refused("invalid_request")
            single = form.get("enable_single_use_refresh_tokens", "").lower() == "true"
            return tokens.exchange(account, one, code, redirect, form.get("code_verifier", ""), single)
        if grant == "refresh_token":
            if not form.get("refresh_token"):
                raise _Refused("invalid_request")
            return tokens.refresh(account, one, form["refresh_token"])
    except BadGrant as bad:
        raise _Refused("invalid_grant", str(bad)) from None
    if grant == "client_credentials":
        raise _Refused("invalid_grant", "There is no grant without a user.")
    raise _Refused("unsupported_grant_type" if grant else "invalid_request")


def _body(found: Tokens, grant: str) -> dict[str, Any]:
    body: dict[str, Any] = {"access_token": found.access, "token_type": "Bearer", "expires_in": found.expires_in}
    if found.refresh is not None:
        body |= {"refresh_token": found.refresh, "refresh_token_expires_in": found.refresh_expires_in}
    if grant == "authorization_code":
        body |= {"username": found.family.user, "scope": found.family.scope}
    return body | {"idpInitiated": False}


def _error(account: Account, refused: _Refused) -> dict[str, Any]:
    if account.switches.oauth_error_shape == "rfc":
        return {"error": refused.error, "error_description": refused.text}
    return {"data": None, "message": refused.text, "code": None, "success": False, "error": refused.error}
