"""The identity provider over the network: what it publishes of itself, its keys, and a code traded for an ID token.

Every request is pinned, bounded and follows no redirect. Nothing a provider publishes changes what was configured.
Source: OpenID Connect Discovery 1.0 §4; OpenID Connect Core 1.0 §3.1.3; RFC 9207 §2.4
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.discovery import WAIT_S, send
from skipass.gateway.egress import Egress
from skipass.gateway.oauth_metadata import check_url
from skipass.identity.id_token import Key, read_keys, refused
from skipass.identity.provider import IdentityProvider
from skipass.secret import Secret
from skipass.snowflake.auth.oauth import OAuthClient, exchange_call
from skipass.snowflake.errors import SnowflakeError
from skipass.snowflake.sqlapi.failures import json_body
from skipass.snowflake.sqlapi.wire import Call

FRESH_S = 3600.0
"""How long what was published counts as still published."""
LEAST_S = 30.0
"""How long after one request for the keys a token with an unknown key asks for them again."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Published:
    """What a provider publishes of itself. `names_itself`: its answers carry `iss`, so one without it is not its."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    names_itself: bool
    secret_in_form: bool


@dataclass(slots=True)
class Oidc:
    """One identity provider.

    Raises `provider_unavailable` where it does not answer, or not as a provider does, and `sign_in_failed` where it
    answers with a refusal or with a token whose key it does not publish.
    """

    provider: IdentityProvider
    egress: Egress
    clock: Clock
    _published: tuple[float, Published] | None = None
    _keys: tuple[float, dict[str, Key]] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def published(self) -> Published:
        """Return what the provider publishes, at most an hour old."""
        async with self._turn:
            now = self.clock.monotonic()
            if self._published is None or now - self._published[0] > FRESH_S:
                self._published = (now, await self._discover())
            return self._published[1]

    async def key(self, kid: str) -> Key:
        """Return the published key of this id.

        An id that is not known is looked for once more, unless that was done within half a minute.
        """
        jwks_uri = (await self.published()).jwks_uri
        async with self._turn:
            now, kept = self.clock.monotonic(), self._keys
            age = FRESH_S + 1 if kept is None else now - kept[0]
            if kept is None or age > FRESH_S or (kid not in kept[1] and age > LEAST_S):
                kept = self._keys = (now, read_keys(await self._get(jwks_uri)))
        if kid not in kept[1]:
            raise refused("the provider publishes no such key")
        return kept[1][kid]

    async def exchange(self, code: Secret[str], *, verifier: Secret[str], redirect_uri: str) -> str:
        """Return the ID token for a code, which is used up by this."""
        published = await self.published()
        client = OAuthClient(
            self.provider.client_id, client_secret=self.provider.client_secret, in_form=published.secret_in_form
        )
        call = exchange_call(client, code, redirect_uri=redirect_uri, verifier=verifier)
        body = await self._ask(published.token_endpoint, call)
        if "error" in body:
            said = str(body.get("error_description") or body["error"])[:200]
            hint = "Start the sign-in again; if it goes on, an admin checks the client's id and secret."
            raise SkipassError("sign_in_failed", f"The identity provider refused the sign-in: {said}", hint)
        if not isinstance(body.get("id_token"), str):
            raise SkipassError("sign_in_failed", "The identity provider sent no ID token.", "Is openid a scope?")
        return str(body["id_token"])

    async def _discover(self) -> Published:
        issuer = self.provider.issuer
        found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            hint = "SKIPASS_OIDC_ISSUER is compared character by character, a slash at the end included."
            raise _unfit("what it publishes is of another issuer", hint)
        authorization, token, keys = (_endpoint(found, name) for name in _ENDPOINTS)
        methods = found.get("token_endpoint_auth_methods_supported")
        in_form = isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
        names_itself = found.get("authorization_response_iss_parameter_supported") is True
        return Published(authorization, token, keys, names_itself, in_form)

    async def _get(self, url: str) -> Mapping[str, Any]:
        return await self._ask(url, Call("GET", "/"))

    async def _ask(self, url: str, call: Call) -> Mapping[str, Any]:
        """Return the JSON object that comes back; of a refusal only one that names its error."""
        parts = urlsplit(url)
        query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
        there = replace(call, path=parts.path or "/", query=query)
        try:
            async with asyncio.timeout(WAIT_S):
                answer = await send(self.egress, f"{parts.scheme}://{parts.netloc}", there, WAIT_S)
        except SkipassError as problem:
            raise _unfit(problem.message.rstrip("."), problem.hint) from None
        except SnowflakeError as problem:
            raise _unfit(_without_vendor(problem)) from None
        except TimeoutError:
            raise _unfit("it does not answer in time") from None
        body = json_body(answer)
        if body is None or not (answer.status == 200 or (400 <= answer.status < 500 and "error" in body)):
            raise _unfit(f"it answers {answer.status} and nothing that can be read")
        return body


def _endpoint(found: Mapping[str, Any], name: str) -> str:
    url = found.get(name)
    if not isinstance(url, str):
        raise _unfit(f"it publishes no {name}")
    try:
        check_url(url, f"its {name}")
    except SkipassError as error:
        raise _unfit(error.message.rstrip(".")) from None
    return url


def _without_vendor(problem: SnowflakeError) -> str:
    """Return what went wrong in the words of a request that has nothing to do with Snowflake."""
    return "it does not answer" if "did not answer" in problem.message else problem.message.rstrip(".")


def _unfit(why: str, hint: str = "") -> SkipassError:
    text = f"The identity provider cannot be used: {why}."
    hint = hint or "Try again; if it goes on, tell an admin."
    return SkipassError("provider_unavailable", text, hint, retryable=True)
