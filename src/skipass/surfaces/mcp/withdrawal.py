"""A client that closes its stream withdraws the call it was waiting for.

Source: MCP 2026-07-28, Cancellation (closing the response stream cancels the request).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from skipass.surfaces.edge.asgi import Receive

T = TypeVar("T")


class WithdrawnError(Exception):
    """The client is gone; the call was cancelled and nobody waits for an answer."""


async def unless_withdrawn(call: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Return what `call` returns; if the client leaves first, cancel it, wait for its end, raise `WithdrawnError`."""
    working = asyncio.ensure_future(call)
    watching = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise WithdrawnError
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
