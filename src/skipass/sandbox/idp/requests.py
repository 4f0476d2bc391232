"""What an authorization request to the provider asks for, and who a token request comes from.

Source: RFC 6749, RFC 7636, OpenID Connect Core section 3.1.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from skipass.sandbox.idp.model import Client, Directory, Server
from skipass.sandbox.quantities import whole

_LONGEST_S = 10**9
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Unsafe(Exception):
    """The request names no known client and redirect address: it must not redirect."""


class Refused(Exception):
    """An OAuth error: its name, and a text for people."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(error)
        self.error, self.text = error, text


@dataclass(frozen=True, slots=True)
class Wanted:
    """An authorization request that names a known client and redirect address."""

    server: str
    client: str
    redirect_uri: str
    state: str
    scopes: frozenset[str]
    challenge: str
    nonce: str
    fresh: bool
    silent: bool
    max_age_s: int | None


def read(directory: Directory, server: Server, query: Mapping[str, str]) -> Wanted:
    """Return the request that a query holds; Unsafe before the client and address are known, Refused after."""
    client = directory.clients.get(query.get("client_id", ""))
    redirect = query.get("redirect_uri", "")
    if client is None or not client.may_redirect(redirect):
        raise Unsafe
    if query.get("response_type") != "code":
        raise Refused("unsupported_response_type", "The response type is not supported.")
    scopes = frozenset(query.get("scope", "").split())
    if server.unknown(scopes) or not scopes:
        text = "One or more scopes are not configured for the authorization server resource."
        raise Refused("invalid_scope", text)
    age = whole(query.get("max_age", ""))
    prompts = query.get("prompt", "").split()
    return Wanted(
        server.id,
        client.id,
        redirect,
        query.get("state", ""),
        scopes,
        _challenge(client, query),
        query.get("nonce", ""),
        "login" in prompts,
        "none" in prompts,
        None if age is None else min(age, _LONGEST_S),
    )


def _challenge(client: Client, query: Mapping[str, str]) -> str:
    challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "")
    if not challenge and client.secret:
        return ""
    if method != "S256" or not _CHALLENGE.match(challenge):
        raise Refused("invalid_request", "PKCE code challenge is required and must be S256.")
    return challenge


def verified(challenge: str, verifier: str) -> bool:
    """Tell whether the verifier fits the challenge; without a challenge there must be none."""
    if not challenge:
        return not verifier
    found = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(found.encode(), challenge.encode())


def client_of(directory: Directory, authorization: str, form: Mapping[str, str]) -> Client:
    """Return the client that a token request proves to come from, or raise `invalid_client`."""
    name, secret = form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            raise Refused("invalid_client", "The client credentials are unreadable.") from None
        name, secret = unquote_plus(name), unquote_plus(secret)
    client = directory.clients.get(name)
    if client is None or not client.proven(secret):
        raise Refused("invalid_client", "The client secret supplied for a confidential client is invalid.")
    return client
