"""A file that is sent as it is read, a piece at a time, however long it is. Knows nothing of its content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from skipass.surfaces.edge.asgi import Send
from skipass.surfaces.edge.pages import file_to_keep

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a browser keeps and does not open; `name` is of our own making."""

    name: str
    kind: str
    pieces: AsyncGenerator[bytes, None]

    async def send(self, send: Send) -> None:
        """Send it; what breaks on the way, or is not read for half a minute, leaves an answer without an end."""
        headers = file_to_keep(self.name, self.kind, b"").headers
        async with aclosing(self.pieces) as pieces:
            first = await anext(pieces, b"")
            named = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": named})
            await self._piece(send, first)
            async for piece in pieces:
                await self._piece(send, piece)
            await send({"type": "http.response.body", "body": b""})

    async def _piece(self, send: Send, piece: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
