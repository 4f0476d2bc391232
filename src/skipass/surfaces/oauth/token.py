"""The token endpoint and the device authorization endpoint: forms in, JSON out, nothing kept by anybody on the way.

Source: RFC 6749 §3.2, §4.1.3, §5.1, §5.2 and §6; RFC 8628 §3.1 to §3.5; RFC 8707 §2.2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.oauth_tokens import Pair
from skipass.gateway.tokens_issued import CLI, Granted, TokenRefused
from skipass.secret import Secret
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.oauth.client_credentials import JSON, Presented, presented, refusal
from skipass.surfaces.oauth.metadata import CLIENT_CREDENTIALS, CODE, DEVICE, REFRESH

_FIELDS = (
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "redirect_uri",
    "code_verifier",
    "device_code",
    "refresh_token",
    "resource",
    "scope",
)


class TokenEndpoint:
    """`/oauth/token` and `/oauth/device_authorization`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def token(self, asked: Asked) -> Reply:
        """Answer with a token, or with one of the errors that programs know."""
        by_header = "authorization" in asked.headers
        try:
            form = asked.program_form(_FIELDS)
            client = presented(asked.headers, form)
            told = await self._granted(form, client)
        except TokenRefused as refused:
            return refusal(refused, by_header=by_header)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return refusal(TokenRefused("invalid_request", error.message), by_header=by_header)
        return Reply(200, orjson.dumps(told), JSON)

    async def device(self, asked: Asked) -> Reply:
        """Answer a program without a browser with its two codes."""
        try:
            form = asked.program_form(("client_id", "scope"))
            wait = await self._gateway.devices.ask(form["client_id"], asked.address)
        except TokenRefused as refused:
            return refusal(refused)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return refusal(TokenRefused("invalid_request", error.message))
        page = f"{self._gateway.deps.base_url}/oauth/device"
        told = {
            "device_code": wait.device_code.reveal(),
            "user_code": wait.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={wait.user_code}",
            "expires_in": wait.expires_in_s,
            "interval": wait.interval_s,
        }
        return Reply(200, orjson.dumps(told), JSON)

    async def _granted(self, form: Mapping[str, str], client: Presented) -> dict[str, Any]:
        kind = form["grant_type"]
        if kind == CLIENT_CREDENTIALS:
            return _told(await self._gateway.tokens.by_secret(client.id, client.secret or Secret("")))
        if not kind:
            raise TokenRefused("invalid_request", "The form has no grant_type.")
        if kind not in (CODE, REFRESH, DEVICE):
            raise TokenRefused("unsupported_grant_type", "The grant type is not one of this server's.")
        if client.id == CLI or kind == DEVICE:
            return _told(await self._of_command_line(form, client))
        return _told_pair(await self._of_mcp_client(form, client))

    async def _of_command_line(self, form: Mapping[str, str], client: Presented) -> Granted:
        if client.secret is not None:
            raise TokenRefused("invalid_client", "This client has no secret.")
        if form["grant_type"] == REFRESH:
            raise TokenRefused("unauthorized_client", "The command line has no refresh token.")
        if form["grant_type"] == DEVICE:
            return await self._gateway.devices.by_device(client.id, form["device_code"])
        back, verifier = form["redirect_uri"], form["code_verifier"]
        return await self._gateway.tokens.by_code(client.id, form["code"], redirect_uri=back, verifier=verifier)

    async def _of_mcp_client(self, form: Mapping[str, str], client: Presented) -> Pair:
        known = await self._gateway.oauth_clients.authenticated(client.id, client.secret)
        tokens, resource = self._gateway.client_tokens, form["resource"]
        if form["grant_type"] == REFRESH:
            return await tokens.by_refresh(known, form["refresh_token"], resource=resource, scope=form["scope"])
        back, verifier = form["redirect_uri"], form["code_verifier"]
        return await tokens.by_code(known, form["code"], redirect_uri=back, verifier=verifier, resource=resource)


def _told(given: Granted) -> dict[str, Any]:
    return {"access_token": given.text.reveal(), "token_type": "Bearer", "expires_in": given.expires_in_s}


def _told_pair(pair: Pair) -> dict[str, Any]:
    return {
        "access_token": pair.access.reveal(),
        "token_type": "Bearer",
        "expires_in": pair.expires_in_s,
        "refresh_token": pair.refresh.reveal(),
        "scope": " ".join(pair.scopes),
    }
