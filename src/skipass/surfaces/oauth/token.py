"""The token endpoint and the device authorization endpoint: forms in, JSON out, nothing kept by anybody on the way.

Source: RFC 6749 §2.3.1, §3.2, §5.1 and §5.2; RFC 8628 §3.1 to §3.5
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.tokens_issued import Granted, TokenRefused
from skipass.secret import Secret
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.oauth.metadata import CLIENT_CREDENTIALS, CODE, DEVICE

_JSON = {"content-type": "application/json", "cache-control": "no-store", "pragma": "no-cache"}
_STATUS = {"invalid_client": 401, "temporarily_unavailable": 429}
_FIELDS = ("grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "device_code", "scope")


@dataclass(frozen=True, slots=True)
class _Client:
    id: str
    secret: Secret[str] | None
    by_header: bool


class TokenEndpoint:
    """`/oauth/token` and `/oauth/device_authorization`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def token(self, asked: Asked) -> Reply:
        """Answer with a token, or with one of the errors that programs know."""
        by_header = "authorization" in asked.headers
        try:
            form = asked.program_form(_FIELDS)
            client = _client(asked.headers, form)
            given = await self._granted(form, client)
        except TokenRefused as refused:
            return _refusal(refused, by_header=by_header)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return _refusal(TokenRefused("invalid_request", error.message), by_header=by_header)
        return Reply(200, orjson.dumps(_told(given)), _JSON)

    async def device(self, asked: Asked) -> Reply:
        """Answer a program without a browser with its two codes."""
        try:
            form = asked.program_form(("client_id", "scope"))
            wait = await self._gateway.devices.ask(form["client_id"], asked.address)
        except TokenRefused as refused:
            return _refusal(refused)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return _refusal(TokenRefused("invalid_request", error.message))
        page = f"{self._gateway.deps.base_url}/oauth/device"
        told = {
            "device_code": wait.device_code.reveal(),
            "user_code": wait.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={wait.user_code}",
            "expires_in": wait.expires_in_s,
            "interval": wait.interval_s,
        }
        return Reply(200, orjson.dumps(told), _JSON)

    async def _granted(self, form: Mapping[str, str], client: _Client) -> Granted:
        kind = form["grant_type"]
        if kind == CLIENT_CREDENTIALS:
            return await self._gateway.tokens.by_secret(client.id, client.secret or Secret(""))
        if not kind:
            raise TokenRefused("invalid_request", "The form has no grant_type.")
        if kind not in (CODE, DEVICE):
            raise TokenRefused("unsupported_grant_type", "The grant type is not one of this server's.")
        if client.secret is not None:
            raise TokenRefused("invalid_client", "This client has no secret.")
        if kind == DEVICE:
            return await self._gateway.devices.by_device(client.id, form["device_code"])
        back, verifier = form["redirect_uri"], form["code_verifier"]
        return await self._gateway.tokens.by_code(client.id, form["code"], redirect_uri=back, verifier=verifier)


def _client(headers: Headers, form: Mapping[str, str]) -> _Client:
    """Return the client a request is of, by header or by form and never by both. Source: RFC 6749 §2.3"""
    value = headers.get("authorization")
    if value is None:
        secret = Secret(form["client_secret"]) if form["client_secret"] else None
        return _Client(form["client_id"], secret, by_header=False)
    scheme, _, pair = value.partition(" ")
    try:
        name, sign, text = base64.b64decode(pair.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        name, sign, text = "", "", ""
    if scheme.lower() != "basic" or not sign:
        raise TokenRefused("invalid_client", "The client's credential cannot be read.")
    name, text = unquote_plus(name), unquote_plus(text)
    if form["client_secret"] or form["client_id"] not in ("", name):
        raise TokenRefused("invalid_request", "The client says who it is in two ways.")
    return _Client(name, Secret(text), by_header=True)


def _told(given: Granted) -> dict[str, Any]:
    return {"access_token": given.text.reveal(), "token_type": "Bearer", "expires_in": given.expires_in_s}


def _refusal(refused: TokenRefused, *, by_header: bool = False) -> Reply:
    status = _STATUS.get(refused.error, 400)
    asks = {"www-authenticate": 'Basic realm="skipass", charset="UTF-8"'} if status == 401 and by_header else {}
    asks |= {"retry-after": "60"} if status == 429 else {}
    told = {"error": refused.error, "error_description": refused.message}
    return Reply(status, orjson.dumps(told), {**_JSON, **asks})
