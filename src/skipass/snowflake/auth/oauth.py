"""Snowflake OAuth, the client's side: the address to send a person to, and what goes to the token endpoint.

Pure; where tokens are kept, and that a refresh token is used by one at a time, is the caller's business.
Source: https://docs.snowflake.com/en/user-guide/oauth-custom ; RFC 6749, RFC 7636
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from skipass.secret import Secret
from skipass.snowflake.auth.grants import OAuthDenied
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.sqlapi.wire import Call

AUTHORIZE_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token-request"  # noqa: S105 - a path
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 300
_STATE_CHARACTERS = 2048
_PLAIN_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A registered client: `client_secret` for a confidential one, `assertion` for one that signs, or neither.

    With `in_form` the secret stands in the form instead of a header, for servers that take it only there.
    """

    client_id: str
    client_secret: Secret[str] | None = None
    assertion: Secret[str] | None = None
    in_form: bool = False

    def headers(self) -> dict[str, str]:
        """Return the Basic credential; id and secret are URL-encoded first. Source: RFC 6749 §2.3.1"""
        if self.client_secret is None or self.in_form:
            return {}
        pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret.reveal(), safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def fields(self) -> dict[str, str]:
        """Return what stands in the form instead of a Basic credential."""
        if self.assertion is not None:
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion.reveal()}
        if self.client_secret is not None and self.in_form:
            return {"client_id": self.client_id, "client_secret": self.client_secret.reveal()}
        return {} if self.client_secret is not None else {"client_id": self.client_id}


def assertion_claims(client_id: str, token_url: str, now_s: int) -> dict[str, object]:
    """Return the claims of a client assertion; `token_url` is the endpoint on the account's organisation host.

    Sign them with the client's key (`auth.keypair.sign`). Source: RFC 7523 §3
    """
    times = {"iat": now_s, "exp": now_s + ASSERTION_LIFE_S}
    return {"iss": client_id, "sub": client_id, "aud": token_url, "jti": secrets.token_urlsafe(16), **times}


@dataclass(frozen=True, slots=True)
class Proof:
    """The one-time secret of an authorisation, kept here, and its challenge, which is sent. Source: RFC 7636 §4"""

    verifier: Secret[str] = field(default_factory=lambda: Secret(secrets.token_urlsafe(48)))

    @property
    def challenge(self) -> str:
        """The S256 challenge."""
        digest = hashlib.sha256(self.verifier.reveal().encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def scope_of(role: str | None, *, offline: bool = True) -> str:
    """Return the scope for a role (as stored; None is the user's default) and, if offline, a refresh token."""
    parts = ["refresh_token"] if offline else []
    if role is not None:
        plain = _PLAIN_ROLE.fullmatch(role)
        parts.append(f"session:role:{role}" if plain else f"session:role-encoded:{quote(role, safe='')}")
    return " ".join(parts)


def authorization_url(
    base_url: str, *, client_id: str, redirect_uri: str, scope: str, state: str, challenge: str
) -> str:
    """Return the address to send a person's browser to; state and challenge are always sent."""
    if not state or len(state) > _STATE_CHARACTERS:
        raise SnowflakeConfigError("The state is empty or longer than 2048 characters.")
    query = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"scope": scope} if scope else {}),
    }
    return f"{base_url}{AUTHORIZE_PATH}?{urlencode(query, quote_via=quote)}"


def read_callback(query: Mapping[str, str], state: str) -> Secret[str]:
    """Return the code that a browser brought back, or raise `OAuthDenied` for a refusal or another's state."""
    if not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
        raise OAuthDenied("The answer belongs to another sign-in.", hint="Start the sign-in again.")
    if error := query.get("error"):
        raise OAuthDenied(query.get("error_description") or error, hint="The person or the account refused.")
    if not query.get("code"):
        raise OAuthDenied("The answer brings no code.", hint="Start the sign-in again.")
    return Secret(query["code"])


def exchange_call(
    client: OAuthClient, code: Secret[str], *, redirect_uri: str, verifier: Secret[str], single_use: bool = False
) -> Call:
    """Return the request that turns a code into tokens; a code is good for one.

    With `single_use` Snowflake gives a refresh token that each refresh replaces.
    Source: https://docs.snowflake.com/en/user-guide/single-use-refresh-tokens
    """
    form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": redirect_uri}
    form |= {"enable_single_use_refresh_tokens": "true"} if single_use else {}
    return _call(client, form | {"code_verifier": verifier.reveal()})


def refresh_call(client: OAuthClient, refresh_token: Secret[str]) -> Call:
    """Return the request for fresh tokens. Where refresh tokens are single-use it must not run twice at a time."""
    return _call(client, {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()})


def revocation_call(client: OAuthClient, refresh_token: Secret[str]) -> Call:
    """Return the request that ends a refresh token, for servers that take it. Source: RFC 7009 §2.1"""
    return _call(client, {"token": refresh_token.reveal(), "token_type_hint": "refresh_token"})


def _call(client: OAuthClient, form: dict[str, Any]) -> Call:
    body = urlencode(form | client.fields()).encode()
    return Call(
        "POST", TOKEN_PATH, body=body, headers=client.headers(), content_type="application/x-www-form-urlencoded"
    )
