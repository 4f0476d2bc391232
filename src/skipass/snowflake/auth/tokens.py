"""What a request needs of a credential: a bearer token, its kind, and word when it was refused.

Where tokens come from, how they are refreshed and kept is the business of whoever implements `TokenSource`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from skipass.secret import Secret
from skipass.snowflake.errors import SnowflakeConfigError

_PRINTABLE = re.compile(r"[!-~]+")


class TokenType(StrEnum):
    """The values of `X-Snowflake-Authorization-Token-Type`.

    Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
    """

    KEYPAIR_JWT = "KEYPAIR_JWT"
    OAUTH = "OAUTH"
    PROGRAMMATIC_ACCESS_TOKEN = "PROGRAMMATIC_ACCESS_TOKEN"  # noqa: S105 - the name of a kind of token
    WORKLOAD_IDENTITY_FEDERATION = "WORKLOAD_IDENTITY_FEDERATION"


@dataclass(frozen=True, slots=True)
class Token:
    """One bearer token; its text shows in no repr."""

    value: Secret[str]
    type: TokenType

    def __post_init__(self) -> None:
        """Refuse a text that could not stand in a header, without showing it."""
        if not _PRINTABLE.fullmatch(self.value.reveal()):
            raise SnowflakeConfigError("The token is empty or holds characters that no token has.")


class TokenSource(Protocol):
    """Hands out tokens for one Snowflake login."""

    async def token(self) -> Token:
        """Return a token that should be accepted now."""
        ...

    async def rejected(self, token: Token) -> bool:
        """Take note that Snowflake refused this token; return True when `token()` will now give another one."""
        ...


@dataclass(frozen=True, slots=True)
class StaticToken:
    """A token source for one token that somebody else obtained; it has no other to offer."""

    fixed: Token

    async def token(self) -> Token:
        """Return the token."""
        return self.fixed

    async def rejected(self, token: Token) -> bool:
        """Return False: there is no other token."""
        return False


def oauth_token(access_token: str | Secret[str]) -> StaticToken:
    """Return a source for an access token of Snowflake OAuth or External OAuth."""
    return StaticToken(Token(_secret(access_token), TokenType.OAUTH))


def programmatic_access_token(secret: str | Secret[str]) -> StaticToken:
    """Return a source for a programmatic access token."""
    return StaticToken(Token(_secret(secret), TokenType.PROGRAMMATIC_ACCESS_TOKEN))


def _secret(value: str | Secret[str]) -> Secret[str]:
    return value if isinstance(value, Secret) else Secret(value.strip())
