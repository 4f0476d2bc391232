"""Tokens that somebody else hands out: an identity provider (External OAuth), a cloud (workload identity), a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from skipass.secret import Secret
from skipass.snowflake.auth.tokens import Token, TokenType
from skipass.snowflake.errors import SnowflakeConfigError

PROVIDERS = ("AWS", "AZURE", "GCP", "OIDC")


class FetchedTokens:
    """A token source that asks a function for a token, keeps it until it is refused, and then asks again.

    However many requests need one, the function runs once at a time. It gets a fresh token from whoever issues them:
    for External OAuth that is the identity provider, never Snowflake.
    """

    def __init__(self, fetch: Callable[[], Awaitable[str]], kind: TokenType = TokenType.OAUTH) -> None:
        self._fetch = fetch
        self._kind = kind
        self._cached: Token | None = None
        self._turn = asyncio.Lock()

    async def token(self) -> Token:
        """Return the token that is kept, or a fresh one."""
        async with self._turn:
            if self._cached is None:
                self._cached = Token(Secret((await self._fetch()).strip()), self._kind)
            return self._cached

    async def rejected(self, token: Token) -> bool:
        """Forget the token if it is still the one that is kept; return True, for there will be another."""
        if self._cached == token:
            self._cached = None
        return True


def workload_identity(provider: str, fetch: Callable[[], Awaitable[str]]) -> FetchedTokens:
    """Return a source for attestations of AWS, AZURE, GCP or OIDC.

    Source: https://docs.snowflake.com/en/user-guide/workload-identity-federation
    """
    name = provider.upper()
    if name not in PROVIDERS:
        raise SnowflakeConfigError(f"{provider!r} is no provider.", hint=f"One of {', '.join(PROVIDERS)}.")

    async def attested() -> str:
        return f"WIF.{name}.{(await fetch()).strip()}"

    return FetchedTokens(attested, TokenType.WORKLOAD_IDENTITY_FEDERATION)


def token_file(path: str | Path, kind: TokenType = TokenType.OAUTH) -> FetchedTokens:
    """Return a source that reads a token from a file, and again when it was refused: who rotates it writes it there."""

    place = Path(path).expanduser()

    async def read() -> str:
        try:
            return await asyncio.to_thread(place.read_text, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SnowflakeConfigError(f"The token file {path} cannot be read ({type(error).__name__}).") from None

    return FetchedTokens(read, kind)
