"""Where programs register themselves, and where they give their tokens back.

Source: RFC 7591 §3; RFC 7009 §2
"""

from __future__ import annotations

from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.oauth_clients import GRANTS, Registered, RegistrationRefused
from skipass.gateway.tokens_issued import TokenRefused
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.strict_json import parse_json
from skipass.surfaces.oauth.client_credentials import JSON, presented, refusal

_MOST_BYTES, _DEPTH, _TOKENS = 16_384, 8, 500


class Registration:
    """`/oauth/register`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def register(self, asked: Asked) -> Reply:
        """Answer with the client as it is registered, or with what is wrong in the words of RFC 7591 §3.2.2."""
        try:
            made = await self._gateway.oauth_clients.register(_read(asked), asked.address)
        except RegistrationRefused as refused:
            return refusal(TokenRefused(refused.error, refused.message))
        except TokenRefused as refused:
            return refusal(refused)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return refusal(TokenRefused("invalid_client_metadata", error.message))
        return Reply(201, orjson.dumps(_told(made)), JSON)


class Revocation:
    """`/oauth/revoke`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def revoke(self, asked: Asked) -> Reply:
        """End what a client gives back; for a token that is none of its own the answer is the same, and nothing ends.

        Source: RFC 7009 §2.2: an unknown token is no error.
        """
        try:
            form = asked.program_form(("token", "token_type_hint", "client_id", "client_secret"))
            client = presented(asked.headers, form)
            if not form["token"]:
                raise TokenRefused("invalid_request", "The form has no token.")
            known = await self._gateway.oauth_clients.authenticated(client.id, client.secret)
            await self._gateway.client_tokens.revoke(known, form["token"])
        except TokenRefused as refused:
            return refusal(refused, by_header="authorization" in asked.headers)
        except SkipassError as error:
            if error.code != "invalid_request":
                raise
            return refusal(TokenRefused("invalid_request", error.message))
        return Reply(200, b"", {"cache-control": "no-store"})


def _read(asked: Asked) -> dict[str, Any]:
    kind = (asked.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" or len(asked.body) > _MOST_BYTES:
        raise SkipassError("invalid_request", "The body is not a small JSON object.")
    given = parse_json(asked.body, max_depth=_DEPTH, max_tokens=_TOKENS)
    if not isinstance(given, dict):
        raise SkipassError("invalid_request", "The body is not a JSON object.")
    return given


def _told(made: Registered) -> dict[str, Any]:
    """Return every field that is registered, whatever else was sent. Source: RFC 7591 §3.2.1"""
    client = made.client
    told: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": list(GRANTS),
        "response_types": ["code"],
        "token_endpoint_auth_method": made.method,
    }
    # 0: the secret itself does not run out. A registration that nobody agrees to does, and then the client is unknown.
    secret = made.secret
    return told | ({"client_secret": secret.reveal(), "client_secret_expires_at": 0} if secret else {})
