"""An `oauth_metadata` object exactly as people have it: read, held to what is understood, and answered with remarks.

Knows no network and keeps nothing. What it does not understand is kept, ignored and named; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from skipass.errors import SkipassError
from skipass.nouns.account import ClientAuth
from skipass.secret import Secret
from skipass.snowflake.account import is_loopback

USED = ("issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri", "scope")
_CLIENT = ("client_id", "client_secret", "redirect_uri", "token_endpoint_auth_method")
_TEXTS = (*USED, *_CLIENT)
_ROLE_SCOPE = re.compile(r"(?P<before>\S*?)session:(?P<kind>role|scope):(?P<role>[^\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without a blank and a backslash."""
_ANY_ROLE = re.compile(r"(?:^|\s)\S*?session:role-any(?:\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OAuthMetadata:
    """What an object says: `kept` is all of it but the secret, `remarks` what people should know of how it was read."""

    client_id: str
    scope: str
    client_secret: Secret[str] | None
    client_auth: ClientAuth
    kept: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    redirect_uri: str | None = None

    @property
    def needs_discovery(self) -> str | None:
        """The issuer to ask for its endpoints, None where both are given."""
        given = self.kept.get("authorization_endpoint") and self.kept.get("token_endpoint")
        return None if given else str(self.kept["issuer"])

    def discovered(self, found: Mapping[str, str]) -> OAuthMetadata:
        """Return it with the endpoints that the issuer names; what was configured stays, the scope above all."""
        kept = {**found, **{name: value for name, value in self.kept.items() if value}}
        named = ", ".join(sorted(set(found) - set(self.kept)))
        remark = f"Taken from the issuer's own metadata: {named}."
        return replace(self, kept=kept, remarks=(*self.remarks, remark))


def read_metadata(given: Mapping[str, Any]) -> OAuthMetadata:
    """Return what an `oauth_metadata` object says, or raise `invalid_request` or `missing_field` naming the member."""
    for name in _TEXTS:
        if name in given and not (isinstance(given[name], str) and given[name].strip() and len(given[name]) <= 4000):
            raise SkipassError("invalid_request", f"oauth_metadata.{name} is not a text.")
    missing = [name for name in ("client_id", "scope") if name not in given]
    endpoints = "authorization_endpoint" in given and "token_endpoint" in given
    missing += [] if endpoints or "issuer" in given else ["issuer"]
    if missing:
        raise SkipassError("missing_field", f"oauth_metadata lacks {', '.join(missing)}.")
    for name in USED[:-1]:
        check_url(given.get(name), f"oauth_metadata.{name}")
    unknown = sorted(str(name) for name in given if name not in _TEXTS)
    remarks = (f"Kept and not used: {', '.join(unknown)}.",) if unknown else ()
    secret = Secret(given["client_secret"]) if "client_secret" in given else None
    return OAuthMetadata(
        client_id=given["client_id"],
        scope=" ".join(given["scope"].split()),
        client_secret=secret,
        client_auth=_method(given, secret),
        kept={name: value for name, value in given.items() if name != "client_secret"},
        remarks=remarks,
        redirect_uri=given.get("redirect_uri"),
    )


def _method(given: Mapping[str, Any], secret: Secret[str] | None) -> ClientAuth:
    named = str(given.get("token_endpoint_auth_method") or "")
    try:
        method = ClientAuth(named) if named else (ClientAuth.BASIC if secret else ClientAuth.NONE)
    except ValueError:
        raise SkipassError("invalid_request", f"token_endpoint_auth_method {named[:60]!r} is not known.") from None
    if (method in (ClientAuth.BASIC, ClientAuth.POST)) is not (secret is not None):
        raise SkipassError("invalid_request", f"oauth_metadata.client_secret does not go with {method.value}.")
    return method


def check_url(url: object, what: str) -> None:
    """Pass for an https address without user or fragment (http on this machine only), and for None; else raise.

    What readers of addresses drop without a word, or take for a slash, is in none: it would make another one of it.
    """
    if url is None:
        return
    if not _PLAIN.fullmatch(str(url)):
        raise SkipassError("invalid_request", f"{what} is not an https address.")
    try:
        parts = urlsplit(str(url))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    plain = parts.scheme == "http" and is_loopback(host)
    if not host or port == 0 or parts.fragment or parts.username is not None or not (plain or parts.scheme == "https"):
        raise SkipassError("invalid_request", f"{what} is not an https address.")


def role_in(scope: str) -> str | None:
    """Return the role that a configured scope names, None where it names none or any."""
    found = _ROLE_SCOPE.search(scope)
    return found["role"] if found else None


def is_any_role(scope: str) -> bool:
    """Return whether a configured scope asks for a token that is good for every role of its user."""
    return _ANY_ROLE.search(scope) is not None


def scope_for(scope: str, role: str) -> str:
    """Return the configured scope for a role: as it was written, but for the role it names where another is asked for.

    Source: https://docs.snowflake.com/en/user-guide/oauth-ext-overview (scopes of External OAuth)
    """
    named = role_in(scope)
    if named is None or named.upper() == role.upper():
        return scope
    written = quote(role, safe="$")
    return _ROLE_SCOPE.sub(lambda match: f"{match['before']}session:{match['kind']}:{written}", scope, count=1)


def dropped(asked: str, granted: str | None) -> tuple[str, ...]:
    """Return what was asked for and not granted; an answer without a scope granted all of it. Source: RFC 6749 §5.1"""
    given = {one.upper() for one in (granted or asked).split()}
    return tuple(one for one in asked.split() if one.upper() not in given)
