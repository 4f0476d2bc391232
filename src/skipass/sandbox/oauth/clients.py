"""Who asks for a token: secret in a Basic header or in the form, a signed assertion, or a public client's bare id.

Source: https://docs.snowflake.com/en/user-guide/oauth-custom and RFC 6749 section 2.3.1, RFC 7523 section 3.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from skipass.sandbox.account import Account
from skipass.sandbox.accounts import fingerprint
from skipass.sandbox.oauth.model import Integration

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_AHEAD_S, _MAX_AGE_S = 3600, 600


class BadClient(Exception):
    """The client is unknown or did not prove itself."""


def authenticate(
    account: Account, authorization: str, form: Mapping[str, str], audiences: frozenset[str]
) -> Integration:
    """Return the integration of the client, or raise BadClient. `audiences` are the token address's spellings."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "basic":
        return _secret(account, *_basic(account, credential.strip()))
    if scheme.lower() == "bearer":
        return _legacy(account, credential.strip())
    if form.get("client_assertion_type") == ASSERTION:
        return _assertion(account, form.get("client_assertion", ""), audiences)
    if "client_secret" in form:
        return _secret(account, form.get("client_id", ""), form["client_secret"])
    one = account.sign_in.client(form.get("client_id", ""))
    if one is None or one.confidential:
        raise BadClient
    return one


def _basic(account: Account, credential: str) -> tuple[str, str]:
    """Return id and secret, URL-decoded; drivers send them as they are, so the plain reading counts if it is known."""
    try:
        client_id, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise BadClient from None
    if account.sign_in.client(client_id) is not None:
        return client_id, secret
    return unquote_plus(client_id), unquote_plus(secret)


def _secret(account: Account, client_id: str, secret: str) -> Integration:
    one = account.sign_in.client(client_id)
    if one is None or not one.confidential or not one.owns_secret(secret):
        raise BadClient
    return one


def _keys(one: Integration) -> list[str]:
    names = ("OAUTH_CLIENT_RSA_PUBLIC_KEY", "OAUTH_CLIENT_RSA_PUBLIC_KEY_2")
    return [one.text(name) for name in names if one.text(name)]


def _claims(text: str, key: str) -> dict[str, object] | None:
    try:
        public = RSAKey.import_key(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
        return dict(jwt.decode(text, public, algorithms=["RS256"]).claims)
    except (JoseError, ValueError):
        return None


def _unverified_issuer(text: str) -> str:
    try:
        found = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        return str(found["iss"])
    except (ValueError, LookupError, TypeError, binascii.Error, RecursionError):
        raise BadClient from None


def _assertion(account: Account, text: str, audiences: frozenset[str]) -> Integration:
    one = account.sign_in.client(_unverified_issuer(text))
    if one is None:
        raise BadClient
    for key in _keys(one):
        claims = _claims(text, key)
        if claims is not None and _fits(account, claims, one.client_id) and claims.get("aud") in audiences:
            return one
    raise BadClient


def _fits(account: Account, claims: dict[str, object], subject: str) -> bool:
    now = account.now().timestamp()
    expires, issued = claims.get("exp"), claims.get("iat", now)
    if not isinstance(expires, (int, float)) or not isinstance(issued, (int, float)):
        return False
    return claims.get("sub") == subject and now < expires <= now + _MAX_AHEAD_S and issued >= now - _MAX_AGE_S


def _legacy(account: Account, text: str) -> Integration:
    issuer = _unverified_issuer(text)
    client_id, _, wanted = issuer.rpartition(".")
    one = account.sign_in.client(client_id)
    if one is None:
        raise BadClient
    for key in _keys(one):
        claims = _claims(text, key) if fingerprint(key) == wanted else None
        if claims is not None and _fits(account, claims, f"{account.locator}.{client_id}"):
            return one
    raise BadClient
