"""Who asks, and by which connection: a key or token of ours, or a token that an agent signed with its key pair.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
"""

from __future__ import annotations

from dataclasses import dataclass

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.identity.key_pair import is_signed
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.bearer import bearer_from, identifier_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.sqlapi.requests import Place

_TYPE = "x-snowflake-authorization-token-type"
_SIGNED = "KEYPAIR_JWT"
_OURS = frozenset({None, "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN"})


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller, and the connection it named in its token or in the path."""

    principal: Principal
    connection: str | None


def says_signed(headers: Headers) -> bool:
    """Return whether a request says that its token is one of a key pair."""
    return [kind.upper() for kind in headers.all(_TYPE)] == [_SIGNED]


async def caller_of(headers: Headers, place: Place, gateway: Gateway) -> Caller:
    """Return the caller of a request; raises `unauthenticated`, `identifier_required`, `not_your_user`."""
    bearer, identifier, kind = bearer_from(headers), identifier_from(headers), headers.get(_TYPE)
    kind = kind.upper() if kind else None
    if kind == _SIGNED or (kind is None and is_signed(bearer)):
        principal, connection = await gateway.key_pairs.authenticate(bearer, identifier=identifier)
        if place.connection not in (None, connection):
            message = f"The token is for the connection {connection}, the path names another."
            raise SkipassError("unauthenticated", message, "Name the same connection in both.")
        return Caller(principal, connection)
    if kind not in _OURS:
        hint = "Send a key of skipass, or a KEYPAIR_JWT of an agent that registered its public key."
        raise SkipassError("unauthenticated", "This type of token is not accepted.", hint)
    return Caller(await gateway.authenticator.authenticate(bearer, identifier=identifier), place.connection)
