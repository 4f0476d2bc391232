"""The asynchronous client: one gateway, one credential."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from skipass.sdk.actions import AsyncActions
from skipass.sdk.address import settings_from_env
from skipass.sdk.catalogue import AsyncTools
from skipass.sdk.sessions import AsyncSessions
from skipass.sdk.transport import Transport
from skipass.snowflake.pace import Pace


class AsyncSkipass:
    """A gateway, by its address and an agent's credential; what is left out is read from the environment.

    `base_url` (`SKIPASS_URL`) is https, or http on this machine. The credential is an `api_key` (`SKIPASS_API_KEY`), or
    `client_id` and `client_secret` (`SKIPASS_CLIENT_ID`, `SKIPASS_CLIENT_SECRET`). A request that gets no answer within
    `timeout_s` seconds is asked again, where that cannot run anything twice: as `pace` has it, or, left out, for a few
    seconds at an address that has never answered, and for as long as a restart takes at one that has. Nothing is sent
    before the first call. Use it as a context manager, or call `aclose`.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        timeout_s: float = 90.0,
        pace: Pace | None = None,
    ) -> None:
        settings = settings_from_env(base_url, api_key, client_id, client_secret)
        self.base_url = settings.base_url
        self._transport = Transport(settings, timeout_s=timeout_s, pace=pace)
        self.actions = AsyncActions(self._transport)
        self.sessions = AsyncSessions(self._transport, self.actions)
        self.tools = AsyncTools(self._transport)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
