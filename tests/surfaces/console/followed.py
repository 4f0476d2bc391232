"""A page that is followed, without a browser: the events of its stream, one after the other."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from surfaces.console.browser import Browser, Page


@dataclass(slots=True)
class Followed:
    """An open stream, and every event of it that was read."""

    answer: aiohttp.ClientResponse
    heard: list[tuple[str, str]] = field(default_factory=list)
    last_id: str = ""

    async def next(self) -> tuple[str, str]:
        """Return the name and the text of the next event; `StopAsyncIteration` at the stream's proper end."""
        name, lines = "", list[str]()
        async for raw in self.answer.content:
            what, _, value = raw.decode().rstrip("\n").partition(": ")
            if what == "event":
                name = value
            elif what == "id":
                self.last_id = value
            elif what == "data":
                lines.append(value)
            elif not what and name:
                self.heard.append((name, "\n".join(lines)))
                return self.heard[-1]
        raise StopAsyncIteration

    async def until(self, name: str | tuple[str, ...], *words: str) -> str:
        """Return the text of the next event of a name, or of one of these, that has these words."""
        names = (name,) if isinstance(name, str) else name
        while True:
            event, text = await self.next()
            if event in names and all(one in text for one in words):
                return text

    async def rest(self) -> list[tuple[str, str]]:
        """Return what comes until the stream's proper end."""
        before = len(self.heard)
        try:
            while True:
                await self.next()
        except StopAsyncIteration:
            return self.heard[before:]


def stream_of(page: Page) -> str:
    """Return the address that a page is followed at."""
    (found,) = re.findall(r'sse-connect="([^"]*)"', page.html)
    return html.unescape(found)


@asynccontextmanager
async def following(browser: Browser, address: str, **headers: str) -> AsyncIterator[Followed]:
    """Yield an open stream; leaving it is the viewer going away."""
    asked = {"accept": "text/event-stream", **headers}
    async with browser.http.get(f"{browser.url}{address}", headers=asked) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield Followed(answer)
