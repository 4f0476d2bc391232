"""The provider's signed tokens: access tokens with `scp` as a list, ID tokens.

Source: https://developer.okta.com/docs/reference/api/oidc/ and OpenID Connect Core section 2.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from skipass.sandbox.idp.model import Client, Directory, Person, Server


def access_claims(
    issuer: str,
    server: Server,
    client: Client,
    person: Person,
    scopes: tuple[str, ...],
    now: datetime,
    audience: str = "",
) -> dict[str, Any]:
    """Return the claims of an access token; `audience` is the server's own unless given."""
    at = int(now.timestamp())
    return {
        "ver": 1,
        "jti": "AT." + secrets.token_urlsafe(32),
        "iss": issuer,
        "aud": audience or server.audience,
        "iat": at,
        "exp": at + server.access_life_s,
        "cid": client.id,
        "uid": person.id,
        "scp": " ".join(scopes) if server.scp_as_text else list(scopes),
        "sub": person.login,
        "groups": list(person.groups),
    }


def access_token(
    directory: Directory,
    issuer: str,
    server: Server,
    client: Client,
    person: Person,
    scopes: tuple[str, ...],
    now: datetime,
    audience: str = "",
) -> str:
    """Return an access token; `audience` is the server's own unless given."""
    claims = access_claims(issuer, server, client, person, scopes, now, audience)
    return signed(directory.signing_key(), claims)


def id_token(
    directory: Directory,
    issuer: str,
    client: Client,
    person: Person,
    scopes: tuple[str, ...],
    nonce: str,
    signed_in: datetime,
    now: datetime,
    access: str,
) -> str:
    """Return an ID token for the client."""
    at = int(now.timestamp())
    claims: dict[str, Any] = {
        "sub": person.id,
        "iss": issuer,
        "aud": client.id,
        "iat": at,
        "exp": at + 3600,
        "auth_time": int(signed_in.timestamp()),
        "amr": ["pwd"],
        "ver": 1,
        "at_hash": _half_hash(access),
    }
    if nonce:
        claims["nonce"] = nonce
    return signed(directory.signing_key(), claims | profile(person, scopes))


def profile(person: Person, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims about a person that the scopes ask for."""
    found: dict[str, Any] = {}
    if "profile" in scopes:
        found |= {"name": person.name, "preferred_username": person.login}
    if "email" in scopes:
        found |= {"email": person.email, "email_verified": True}
    if "groups" in scopes:
        found["groups"] = list(person.groups)
    return found


def _half_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def signed(key: RSAKey, claims: dict[str, Any]) -> str:
    """Return the claims as a token that names its key."""
    return jwt.encode({"alg": "RS256", "kid": key.kid or ""}, claims, key)
