"""The token endpoint of one account: one request, one answer, never repeated by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skipass import __version__
from skipass.snowflake.account import Target
from skipass.snowflake.auth.grants import Grant, read_grant
from skipass.snowflake.sqlapi.wire import Call

if TYPE_CHECKING:
    import aiohttp

    from skipass.snowflake.sqlapi.transport import Transport

_MAX_BODY_BYTES = 256 * 1024


class TokenEndpoint:
    """Exchanges codes and refresh tokens for access tokens.

    A time-out leaves it unknown whether a refresh token was used up (`outcome_unknown`). Raises `InvalidGrant`,
    `InvalidClient`, other `OAuthError`s, and `SnowflakeUnavailable`.
    """

    def __init__(
        self,
        target: Target,
        *,
        session: aiohttp.ClientSession | None = None,
        connector_factory: Callable[[], aiohttp.BaseConnector] | None = None,
    ) -> None:
        self._target = target
        self._session = session
        self._connector_factory = connector_factory
        self._transport: Transport | None = None

    async def ask(self, call: Call, *, timeout_s: float) -> Grant:
        """Send a call of `auth.oauth` and return the tokens it brings."""
        if self._transport is None:
            from skipass.snowflake.sqlapi.transport import Transport

            self._transport = Transport(
                self._target.base_url,
                user_agent=f"skipass/{__version__}",
                max_body_bytes=_MAX_BODY_BYTES,
                session=self._session,
                connector_factory=self._connector_factory,
            )
        return read_grant(await self._transport.send(call, None, timeout_s=timeout_s))

    async def aclose(self) -> None:
        """Close the connections that are our own."""
        if self._transport is not None:
            await self._transport.aclose()
