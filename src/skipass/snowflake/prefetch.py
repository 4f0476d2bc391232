"""Fetch several things at once and hand them on in order, holding no more bytes than allowed.

Knows nothing of what is fetched.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Lets the numbers from 0 on pass in order, so many ahead of those that are done."""

    def __init__(self, ahead: int) -> None:
        self._open = ahead
        self._changed = asyncio.Condition()

    async def of(self, number: int) -> None:
        """Wait until the number may pass."""
        async with self._changed:
            await self._changed.wait_for(lambda: number <= self._open)

    async def done(self) -> None:
        """Let one more pass."""
        async with self._changed:
            self._open += 1
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far to run ahead of the reader: `most` fetches at once, together at most `limit_bytes`, and at least one.

    The bytes are those that each fetch announces (uncompressed); what is being read by the caller counts until the next
    one is asked for. `decoders` is how many partitions are unpacked and read ahead, at the same time: each more takes a
    core and about 50 MiB; those further ahead are held compressed.
    """

    most: int = 4
    limit_bytes: int = 32 * 1024 * 1024
    decoders: int = 1


async def in_order(
    sizes_bytes: Sequence[int], fetch: Callable[[int], Awaitable[T]], ahead: Ahead
) -> AsyncGenerator[T, None]:
    """Yield `fetch(0)`, `fetch(1)` … one for each size, fetched ahead; leaving early cancels what is under way.

    A failure comes out at the place of what failed.
    """
    running: deque[tuple[asyncio.Task[T], int]] = deque()
    held = upcoming = 0
    try:
        while running or upcoming < len(sizes_bytes):
            while upcoming < len(sizes_bytes) and _fits(len(running), held + sizes_bytes[upcoming], ahead):
                task = asyncio.ensure_future(fetch(upcoming))
                running.append((task, sizes_bytes[upcoming]))
                held += sizes_bytes[upcoming]
                upcoming += 1
            size = running[0][1]
            # No name here holds on to what is handed on: the receiver may be done with it long before it asks again.
            yield await running.popleft()[0]
            held -= size
    finally:
        for task, _ in running:
            task.cancel()
        await asyncio.gather(*(task for task, _ in running), return_exceptions=True)


def _fits(running: int, held_bytes: int, ahead: Ahead) -> bool:
    return running == 0 or (running < ahead.most and held_bytes <= ahead.limit_bytes)
