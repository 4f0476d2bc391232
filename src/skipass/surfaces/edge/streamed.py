"""A page that is sent as it comes to be: its head at once, each piece when it is there, its end at the end.

A browser shows what has arrived, so that long work is followed without a script. Knows nothing of what is shown.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from skipass.surfaces.edge.asgi import Send
from skipass.surfaces.edge.pages import Reply


@dataclass(frozen=True, slots=True)
class Streamed:
    """A page whose pieces stand where `mark` stands in it; the mark is there once."""

    page: Reply
    mark: bytes
    pieces: AsyncGenerator[str, None]

    async def send(self, send: Send) -> None:
        """Send it."""
        head, _, tail = self.page.body.partition(self.mark)
        named = [*self.page.headers.items(), ("x-accel-buffering", "no")]
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named]
        await send({"type": "http.response.start", "status": self.page.status, "headers": headers})
        await send({"type": "http.response.body", "body": head, "more_body": True})
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": tail})
