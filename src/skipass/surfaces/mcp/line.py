"""Line: what a client is told about its request before the answer, and how far the request has come.

A message is dropped, never waited for, when the client does not keep up; the answer itself does not go by here.
Source: MCP 2026-07-28 and 2025-11-25, Progress.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

MOST_WAITING = 100
_MOST_TOKEN_CHARS = 256
_MOST_MESSAGE_CHARS = 500


class Line:
    """Messages on their way to one client, in order; `begun` once one has left, and with it the HTTP status."""

    def __init__(self) -> None:
        self.begun = False
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        """Put a notification on its way, or drop it when too many wait."""
        self.send({"jsonrpc": "2.0", "method": method, "params": dict(params)})

    def send(self, message: dict[str, Any]) -> None:
        """Put a whole message on its way, or drop it when too many wait."""
        if not self._waiting.full():
            self._waiting.put_nowait(message)

    async def heard(self) -> dict[str, Any]:
        """Return the next message, waiting for one."""
        return await self._waiting.get()

    def rest(self) -> list[dict[str, Any]]:
        """Return what still waits, and forget it."""
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]


class Progress:
    """Reports on one request under the token its client gave; silent where it gave none.

    Values strictly increase: a report that does not is dropped. `reported` tells whether the work itself has reported.
    """

    def __init__(self, line: Line, token: object) -> None:
        self._line, self._token, self._last = line, _usable(token), -math.inf
        self.reported = False

    @property
    def wanted(self) -> bool:
        """Whether the client asked for progress."""
        return self._token is not None

    def report(self, done: float, total: float | None = None, message: str = "") -> None:
        """Tell the client that `done` of `total` is done, both in a unit of the caller's own."""
        self.reported = True
        self._tell(done, total, message)

    def tick(self, seconds: float) -> None:
        """Tell the client for how long its request has run, unless the work itself has reported."""
        if not self.reported:
            self._tell(seconds, None, f"Still running after {seconds:g} s.")

    def _tell(self, done: float, total: float | None, message: str) -> None:
        if self._token is None or not self._last < done < math.inf:
            return
        self._last = done
        params: dict[str, Any] = {"progressToken": self._token, "progress": done}
        params |= {} if total is None else {"total": total}
        params |= {"message": message[:_MOST_MESSAGE_CHARS]} if message else {}
        self._line.tell("notifications/progress", params)


def _usable(token: object) -> str | int | None:
    """Return a token that can be echoed, None for any other; progress is a courtesy, so nothing is refused."""
    if isinstance(token, str) and len(token) <= _MOST_TOKEN_CHARS:
        return token
    return token if isinstance(token, int) and not isinstance(token, bool) and abs(token) < 2**53 else None
