"""What an authorization request asks for, checked in the vendor's order, before anybody signs in.

Source: https://docs.snowflake.com/en/user-guide/oauth-custom and .../oauth-snowflake-overview for the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from skipass.sandbox.account import Account
from skipass.sandbox.oauth import scopes
from skipass.sandbox.oauth.model import Integration
from skipass.sandbox.oauth.scopes import Asked

MAX_STATE = 2048
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
TEXTS = {
    390304: "The response type is invalid.",
    390305: "The state parameter is too long.",
    390306: "The client is unknown.",
    390307: "The redirect URI does not match the ones registered for this client.",
    390308: "The requested scope is invalid",
    390311: "The PKCE parameters are invalid.",
}


class BadRequest(Exception):
    """The request cannot go on and must not redirect; `number` is one of TEXTS."""

    def __init__(self, number: int) -> None:
        super().__init__(TEXTS[number])
        self.number = number


@dataclass(frozen=True, slots=True)
class Request:
    """An authorization request that may go on to sign-in."""

    integration: str
    redirect_uri: str
    state: str
    asked: Asked
    challenge: str


def read(account: Account, query: Mapping[str, str]) -> Request:
    """Return the request that a query holds, or raise BadRequest."""
    one = account.sign_in.client(query.get("client_id", ""))
    if one is None or not one.enabled:
        raise BadRequest(390306)
    redirect = _redirect(one, query.get("redirect_uri", ""))
    if query.get("response_type") != "code":
        raise BadRequest(390304)
    state = query.get("state", "")
    if len(state) > MAX_STATE or not state.isascii():
        raise BadRequest(390305)
    return Request(one.name, redirect, state, _asked(account, one, query.get("scope", "")), _challenge(one, query))


def _redirect(one: Integration, given: str) -> str:
    """The query part of the address does not count in the comparison; everything else must be equal."""
    bare = urlunsplit(urlsplit(given)._replace(query="")) if given.isascii() and given.isprintable() else ""
    registered = (*one.values("OAUTH_REDIRECT_URI"), *one.values("OAUTH_ALTERNATE_REDIRECT_URIS"))
    if not bare or bare not in registered:
        raise BadRequest(390307)
    return given


def _asked(account: Account, one: Integration, scope: str) -> Asked:
    try:
        asked = scopes.read(scope)
    except scopes.BadScope:
        raise BadRequest(390308) from None
    refused = asked.any_role and one.text("OAUTH_ANY_ROLE_MODE", "DISABLE") == "DISABLE"
    unlisted = scopes.DEFAULT in scope.split() and account.switches.role_all_scope == "refused"
    if refused or unlisted:
        raise BadRequest(390308)
    return asked


def _challenge(one: Integration, query: Mapping[str, str]) -> str:
    challenge, method = query.get("code_challenge", ""), query.get("code_challenge_method", "")
    needed = one.flag("OAUTH_ENFORCE_PKCE") or not one.confidential
    if not challenge and not method and not needed:
        return ""
    if method != "S256" or not _CHALLENGE.match(challenge):
        raise BadRequest(390311)
    return challenge
