"""Work that is done for somebody who looks on, and ends when they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from skipass.surfaces.edge.asgi import Receive


async def while_there(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end, or until its client has gone; raises what it raises."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
