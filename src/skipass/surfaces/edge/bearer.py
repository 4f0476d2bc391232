"""Who says to be asking: the bearer token and the identifier of a request, and the challenge that asks for one.

Source: RFC 6750 2.1, 3 and 3.1; RFC 9728 5.1 (`resource_metadata`); OAuth 2.1 5.1.1 (never in the query string).
"""

from __future__ import annotations

import re
from typing import Protocol

from skipass.errors import SkipassError
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.headers import Headers

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,4096}=*", re.ASCII)
_IDENTIFIER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?", re.ASCII)
_HOW = "Send the header `Authorization: Bearer <key or token>`."


class Authenticator(Protocol):
    """Turns a bearer token into the caller it was given to."""

    async def authenticate(
        self, bearer: str, *, identifier: str | None = None, resource: str | None = None
    ) -> Principal:
        """Return the caller, acting for `identifier` when named; raise `unauthenticated`, `not_your_user`, …

        `resource` is the address that is asked, where tokens are given for one address.
        """
        ...


def bearer_from(headers: Headers) -> str:
    """Return the token of the Authorization header; the query string is never looked at.

    Raises `unauthenticated` when there is no bearer token, `invalid_request` when the header is malformed or repeated.
    """
    value = headers.get("authorization")
    if value is None:
        raise SkipassError("unauthenticated", hint=_HOW)
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        raise SkipassError("unauthenticated", "Only bearer tokens are accepted.", _HOW)
    if not _TOKEN.fullmatch(token.strip(" ")):
        raise SkipassError("invalid_request", "The Authorization header is malformed.", _HOW)
    return token.strip(" ")


def identifier_from(headers: Headers) -> str | None:
    """Return the `Skipass-Identifier` header, None when absent; `invalid_request` unless 1-256 printable ASCII."""
    value = headers.get("skipass-identifier")
    if value is not None and not _IDENTIFIER.fullmatch(value):
        raise SkipassError("invalid_request", "Skipass-Identifier is not 1 to 256 printable ASCII characters.")
    return value


async def principal_of(headers: Headers, authenticator: Authenticator, resource: str | None = None) -> Principal:
    """Return the verified caller of a request to `resource`, or raise what the authenticator or the headers say."""
    bearer, identifier = bearer_from(headers), identifier_from(headers)
    return await authenticator.authenticate(bearer, identifier=identifier, resource=resource)


def challenge(*, error: str | None = None, resource_metadata: str | None = None, scope: str | None = None) -> str:
    """Return a `WWW-Authenticate` value; `error` only when a token was sent and refused, `scope` what to ask for."""
    parts = {"resource_metadata": resource_metadata, "scope": scope, "error": error}
    given = ", ".join(f'{name}="{_quotable(value)}"' for name, value in parts.items() if value)
    return f"Bearer {given}".strip()


def _quotable(value: str) -> str:
    return re.sub(r'[^\x20-\x7e]|["\\]', "", value)
