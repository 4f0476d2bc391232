"""What pages that are followed are told. Each topic is asked about once a process, however many look at it.

The database is what is asked, about once a second and only while somebody looks: what another replica did shows as
well. A room renders the pieces for each viewer; here is only what changed of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from skipass.surfaces.edge.events import Fragment
from skipass.surfaces.edge.requests import Asked

EVERY_S = 1.0
T = TypeVar("T")
Parts = Mapping[str, str]


class Topics:
    """What somebody looks at now."""

    def __init__(self) -> None:
        self._polls: dict[Hashable, _Poll[Any]] = {}

    async def follow(
        self, topic: Hashable, ask: Callable[[], Awaitable[T]], every_s: float = EVERY_S
    ) -> AsyncGenerator[T, None]:
        """Yield what `ask` returns, at once and whenever that changed; raises what it raises.

        All who follow one topic hear the answers to one of them asking, so a topic names who may hear them.
        """
        poll: _Poll[T] = self._polls.get(topic) or _Poll(ask, every_s)
        self._polls[topic] = poll
        poll.viewers += 1
        try:
            seen = 0
            while True:
                seen, value = await poll.after(seen)
                yield value
        finally:
            poll.viewers -= 1
            if self._polls.get(topic) is poll and (poll.viewers == 0 or poll.failed):
                del self._polls[topic]
            if poll.viewers == 0:
                await poll.stop()

    def __len__(self) -> int:
        return len(self._polls)


class _Poll(Generic[T]):
    """One question that is asked again and again."""

    def __init__(self, ask: Callable[[], Awaitable[T]], every_s: float) -> None:
        self._ask, self._every_s, self.viewers = ask, every_s, 0
        self._answers: list[T] = []
        self._version, self._heard = 0, asyncio.Condition()
        self.failed: Exception | None = None
        self._task = asyncio.create_task(self._run())

    async def after(self, seen: int) -> tuple[int, T]:
        """Return the latest answer and its number, once that is more than `seen`."""
        async with self._heard:
            await self._heard.wait_for(lambda: self.failed or self._version > seen)
            if self.failed:
                raise self.failed
            return self._version, self._answers[-1]

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self.failed is None:
            try:
                value = await self._ask()
            except Exception as error:  # noqa: BLE001 - whoever follows hears of it, and decides
                await self._tell([], error)
            else:
                if [value] != self._answers:
                    await self._tell([value], None)
                await asyncio.sleep(self._every_s)

    async def _tell(self, answers: list[T], failed: Exception | None) -> None:
        async with self._heard:
            self._answers, self.failed = answers, failed
            self._version += 1
            self._heard.notify_all()


def mark(parts: Parts) -> str:
    """Return what tells these pieces from others, for an address and for the id of an event."""
    return ".".join(hashlib.sha256(html.encode()).hexdigest()[:16] for html in parts.values())


def seen_by(asked: Asked) -> str:
    """Return the mark of what the browser shows: of the last event it heard, else of the page it opened."""
    return asked.headers.get("last-event-id") or asked.named().get("seen", "")


async def changed(
    answers: AsyncGenerator[T, None], render: Callable[[T], Awaitable[Parts]], seen: str
) -> AsyncGenerator[Fragment, None]:
    """Yield each piece that is not as the browser has it, under its name, and again whenever it changed."""
    known = seen.split(".")
    async with aclosing(answers):
        async for answer in answers:
            parts = await render(answer)
            marks = mark(parts).split(".")
            known = known if len(known) == len(marks) else [""] * len(marks)
            for at, (name, html) in enumerate(parts.items()):
                if known[at] != marks[at]:
                    known[at] = marks[at]
                    yield Fragment(name, html, ".".join(known))
