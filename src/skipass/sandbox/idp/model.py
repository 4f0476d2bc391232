"""What the provider keeps: people, clients, authorization servers with their access policies, keys, sign-ins, tokens.

Shaped after Okta's custom authorization servers; it knows nothing of the account that trusts it.
Source: https://developer.okta.com/docs/concepts/auth-servers/ and .../docs/guides/configure-access-policy/.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from joserfc.jwk import RSAKey

from skipass.sandbox import passwords
from skipass.sandbox.oauth.model import digest

OPENID = frozenset({"openid", "profile", "email", "offline_access", "groups"})
_LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\]|[a-z0-9-]+\.localhost)(:\d{1,5})?(/[^#\s]*)?\Z")


@dataclass(slots=True)
class Person:
    """Somebody who can sign in; `login` is the subject of access tokens."""

    login: str
    email: str
    name: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()
    disabled: bool = False

    @property
    def id(self) -> str:
        """The stable id, `sub` of ID tokens."""
        return "00u" + digest(self.login)[:17]


@dataclass(slots=True)
class Client:
    """An application. With `any_loopback` every address on this machine is a redirect address of it."""

    id: str
    secret: str = field(default="", repr=False)
    redirect_uris: tuple[str, ...] = ()
    any_loopback: bool = False

    def may_redirect(self, uri: str) -> bool:
        """Tell whether answers may be sent there."""
        return uri in self.redirect_uris or (self.any_loopback and _LOOPBACK.match(uri) is not None)

    def proven(self, secret: str) -> bool:
        """Tell whether this is the client's secret; a client without one has nothing to prove."""
        return not self.secret or hmac.compare_digest(secret.encode(), self.secret.encode())


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of an access policy: for these clients and groups (empty is all) these scopes are given."""

    scopes: frozenset[str]
    clients: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def fits(self, client: Client, person: Person) -> bool:
        """Tell whether the rule is about this client and person."""
        for_client = not self.clients or client.id in self.clients
        return for_client and (not self.groups or bool(self.groups & set(person.groups)))


@dataclass(slots=True)
class Server:
    """An authorization server: its audience, the scopes it knows beside OpenID's, and its rules in order.

    `scp_as_text` writes the scopes of a token as one text, as other providers do; with `refresh_rotates` a refresh
    token is good once and each use gives the next one.
    """

    id: str
    audience: str
    scopes: frozenset[str]
    rules: tuple[Rule, ...]
    access_life_s: int = 3600
    refresh_life_s: int = 7_776_000
    scp_as_text: bool = False
    refresh_rotates: bool = False

    def unknown(self, asked: frozenset[str]) -> frozenset[str]:
        """Return the scopes that are not configured at all; asking for one fails the whole request."""
        return asked - self.scopes - OPENID

    def given(self, asked: frozenset[str], client: Client, person: Person) -> frozenset[str]:
        """Return the scopes that the first fitting rule gives; the others are dropped without a word."""
        rule = next((one for one in self.rules if one.fits(client, person)), None)
        return asked & (rule.scopes | OPENID) if rule is not None else frozenset()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser in which somebody signed in."""

    login: str
    at: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody allowed: basis of a code, and of the refresh token that follows from it."""

    server: str
    client: str
    login: str
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    nonce: str
    signed_in: datetime
    expires: datetime


@dataclass(slots=True)
class Directory:
    """The provider's state. Codes, refresh tokens and browser sessions are keyed by digest."""

    people: dict[str, Person] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    browsers: dict[str, SignedIn] = field(default_factory=dict)

    def person(self, login: str, password: str) -> Person | None:
        """Return whose login and password these are, None for anything else."""
        one = self.people.get(login.strip().lower())
        fits = passwords.fits(password, one.password if one is not None else "")
        return one if one is not None and fits and not one.disabled else None

    def rotate(self, *, keep: int = 1) -> str:
        """Sign with a new key from now on, keep publishing that many old ones, and return the new key's id."""
        key = RSAKey.generate_key(2048, {"kid": secrets.token_urlsafe(16), "use": "sig", "alg": "RS256"}, private=True)
        self.keys = [key.as_dict(private=True), *self.keys[:keep]]
        return str(key.kid)

    def signing_key(self) -> RSAKey:
        """Return the key that signs; the first use makes it."""
        if not self.keys:
            self.rotate()
        return RSAKey.import_key(self.keys[0])

    def public_keys(self) -> list[dict[str, Any]]:
        """Return the published keys, newest first."""
        self.signing_key()
        return [dict(RSAKey.import_key(one).as_dict(private=False)) for one in self.keys]
