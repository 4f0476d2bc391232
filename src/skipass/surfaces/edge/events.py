"""Answers that go on: pieces of a page as server-sent events, for as long as somebody is there and may look.

Knows nothing of what is told. Source: HTML Living Standard 9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skipass.errors import Kind, SkipassError
from skipass.surfaces.edge.asgi import Receive, Send
from skipass.surfaces.edge.pages import guarding_headers

OVER = "over"
"""The event after which a page asks no more; its text says why, and is empty where all was told."""

_HEADERS: Mapping[str, str] = {
    **guarding_headers(),
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",
}
_RETRY = b"retry: 2000\n\n"
_KEEP_ALIVE = b": still there\n\n"
_ENDS = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.NOT_FOUND)
_ELSEWHERE = "This page stopped following: you opened others. Load it again to go on."
_FULL = "Too many pages are followed at once. Load this one again to see what changed."
_ENDED = "This page stopped following: your sign-in or what you may see has changed. Load it again."


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a page: the event it comes as, its HTML, and the id that a browser names when it comes back."""

    name: str
    html: str
    id: str = ""

    def encoded(self) -> bytes:
        """Return it as one event; a line end of any kind begins another line of its data."""
        lines = self.html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        head = [f"event: {self.name}", *([f"id: {self.id}"] if self.id else [])]
        return "\n".join([*head, *(f"data: {line}" for line in lines), "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Events:
    """An answer that goes on.

    `viewer` is the person whose open answers are counted. `may_look` is asked again and again, and before each
    fragment leaves: it raises where the viewer may look no more.
    """

    viewer: str
    fragments: AsyncGenerator[Fragment, None]
    may_look: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many answers go on at once, of one person and of all, and how long is waited for what, in seconds.

    A browser opens six connections to one place at most, over HTTP/1.1, and must keep some for pages.
    """

    each: int = 4
    all: int = 200
    check_s: float = 2.0
    keep_alive_s: float = 10.0
    patience_s: float = 30.0


@dataclass(slots=True, eq=False)
class _Open:
    """One answer that goes on, and whether it is to end."""

    viewer: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    why: str | None = None

    def end(self, why: str | None) -> None:
        self.why = why
        self.ended.set()


class Streams:
    """The answers of this process that go on. A person's newest are kept: one too many ends their oldest."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits, self._open, self._leaving = limits or Limits(), list[_Open](), False

    def end(self) -> None:
        """End every answer, and each that comes later at once; browsers come back by themselves."""
        self._leaving = True
        for one in self._open:
            one.end(None)

    def __len__(self) -> int:
        return len(self._open)

    async def send(self, events: Events, receive: Receive, send: Send) -> None:
        """Send fragments until there are no more, the viewer is gone or may look no more, or the process ends."""
        one = self._enter(events.viewer)
        line = _Line(events, one, self._limits)
        try:
            await line.begin(send)
            await line.follow(receive, send)
        except TimeoutError:
            return  # nobody reads; an answer that is not completed closes its connection
        finally:
            self._open.remove(one)
            await events.fragments.aclose()

    def _enter(self, viewer: str) -> _Open:
        one = _Open(viewer)
        theirs = [other for other in self._open if other.viewer == viewer and not other.ended.is_set()]
        if self._leaving:
            one.end(None)
        elif len(theirs) >= self._limits.each:
            theirs[0].end(_ELSEWHERE)
        elif len(self._open) >= self._limits.all:
            one.end(_FULL)
        self._open.append(one)
        return one


class _Line:
    """The way of one answer to its viewer."""

    def __init__(self, events: Events, one: _Open, limits: Limits) -> None:
        self._events, self._one, self._limits, self._quiet_s = events, one, limits, 0.0

    async def begin(self, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._put(send, _RETRY)

    async def follow(self, receive: Receive, send: Send) -> None:
        coming = asyncio.ensure_future(anext(self._events.fragments, None))
        gone, ended = asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(self._one.ended.wait())
        tasks: list[asyncio.Future[Any]] = [coming, gone, ended]
        try:
            while not gone.done():
                await asyncio.wait(tasks, timeout=self._limits.check_s, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() or not await self._told(send, coming):
                    return
                if coming.done():
                    tasks[0] = coming = asyncio.ensure_future(anext(self._events.fragments, None))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _told(self, send: Send, coming: asyncio.Future[Fragment | None]) -> bool:
        """Send what there is to say; return whether the answer goes on."""
        if self._one.ended.is_set():
            return await self._over(send, self._one.why)
        try:
            await self._events.may_look()
            fragment = coming.result() if coming.done() else None
        except SkipassError as error:
            if error.kind not in _ENDS:
                raise
            return await self._over(send, _ENDED)
        if fragment is not None:
            await self._put(send, fragment.encoded())
        elif coming.done():
            return await self._over(send, "")
        else:
            await self._keep_alive(send)
        return True

    async def _keep_alive(self, send: Send) -> None:
        self._quiet_s += self._limits.check_s
        if self._quiet_s >= self._limits.keep_alive_s:
            await self._put(send, _KEEP_ALIVE)

    async def _over(self, send: Send, why: str | None) -> bool:
        if why is not None:
            await self._put(send, Fragment(OVER, why).encoded())
        await send({"type": "http.response.body", "body": b""})
        return False

    async def _put(self, send: Send, chunk: bytes) -> None:
        self._quiet_s = 0.0
        async with asyncio.timeout(self._limits.patience_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
