"""The bearer of a request: an API key as it is, or a token traded for a client's id and secret.

Source: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from skipass.clock import SystemClock
from skipass.sdk.address import Settings
from skipass.sdk.codes import GatewayUnreachable, Unauthenticated
from skipass.sdk.errors import GatewayError
from skipass.secret import Secret

Exchange = Callable[[str, str, bytes | None, Mapping[str, str], Mapping[str, str] | None], Awaitable[dict[str, Any]]]
_EARLY_S = 30.0
_PATH = "/oauth/token"


class Bearer:
    """Knows what to send as a bearer now; one trade serves every request that waits for it."""

    def __init__(self, settings: Settings, exchange: Exchange, now: Callable[[], float] | None = None) -> None:
        self._settings, self._exchange = settings, exchange
        self._now = now or SystemClock().monotonic
        self._token: Secret[str] | None = None
        self._until = 0.0
        self._trading: asyncio.Task[str] | None = None

    async def value(self) -> str:
        """Return the bearer; raises `Unauthenticated` where the gateway does not take the client's secret."""
        if self._settings.api_key is not None:
            return self._settings.api_key.reveal()
        if self._token is not None and self._now() < self._until:
            return self._token.reveal()
        loop = asyncio.get_running_loop()
        if self._trading is None or self._trading.done() or self._trading.get_loop() is not loop:
            self._trading = loop.create_task(self._trade())
        return await asyncio.shield(self._trading)

    def forget(self) -> bool:
        """Drop a token that was refused; False where there is nothing but the key itself."""
        had, self._token = self._token is not None, None
        return had

    async def _trade(self) -> str:
        try:
            said = await self._exchange("POST", _PATH, b"grant_type=client_credentials", self._headers(), None)
        except Unauthenticated:
            raise
        except GatewayError as refused:
            if refused.status in (400, 401):
                message = "The gateway does not accept this client id and secret."
                raise Unauthenticated(message=message, hint="Ask the agent's owner.", status=refused.status) from None
            raise
        token, lasts = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int):
            raise GatewayUnreachable(message="The token endpoint answered, but not with a token.")
        self._token, self._until = Secret(token), self._now() + max(lasts - _EARLY_S, lasts / 2)
        return token

    def _headers(self) -> dict[str, str]:
        secret = self._settings.client_secret
        assert secret is not None
        pair = f"{quote_plus(self._settings.client_id or '')}:{quote_plus(secret.reveal())}"
        basic = base64.b64encode(pair.encode()).decode()
        return {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
