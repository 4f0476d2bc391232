"""A browser without scripts: keeps its cookie, posts the forms of a page as they stand there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import aiohttp
from yarl import URL

from gateways import Stage
from skipass.gateway.outbox import CHANNELS
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.envelope import Envelope
from skipass.nouns.groups import MemberKind
from skipass.nouns.review import Review

GLASS = """version = 1
[[rule]]
name = "emergency"
outcome = "allow"
effects = ["session"]
groups = ["group:oncall"]
objects = ["OPS_DB.OPS"]
break_glass = true
"""
UPDATE = "UPDATE ops.orders SET note = 'seen' WHERE order_id = 1003"


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given["action"], {}))
        elif tag == "input" and self.forms:
            self.forms[-1][1][given["name"]] = given.get("value", "")
        elif tag == "textarea" and self.forms:
            self._area = given["name"]
            self.forms[-1][1][self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            # The line feed right after the tag is not of the text; each other one is sent with a carriage return.
            text = self.forms[-1][1][self._area].removeprefix("\n")
            self.forms[-1][1][self._area], self._area = text.replace("\n", "\r\n"), None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._area:
            self.forms[-1][1][self._area] += data


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status, headers in lower case, its HTML and the address it came from."""

    status: int
    headers: Mapping[str, str]
    html: str
    url: URL

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join("".join(self._read().text).split())

    def form(self, action: str) -> dict[str, str]:
        """Return the fields of the form that is sent to this path."""
        return next(fields for to, fields in self._read().forms if to == action)

    def has_form(self, action: str) -> bool:
        """Whether there is such a form."""
        return any(to == action for to, _ in self._read().forms)

    def _read(self) -> _Forms:
        reader = _Forms()
        reader.feed(self.html)
        return reader


class Browser:
    """One person's browser."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url, self.http = url, http

    async def get(self, path: str, **how: Any) -> Page:
        """Open a page."""
        async with self.http.get(f"{self.url}{path}", **how) as answer:
            return await _page(answer)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Page:
        """Send a form as our own page does; `headers` replace what the browser would say."""
        sent = {"origin": self.url, **headers}
        async with self.http.post(f"{self.url}{path}", data=form, headers=sent) as answer:
            return await _page(answer)

    async def sign_in(self, link: str, to: str = "") -> Page:
        """Paste a one-time link into the sign-in page."""
        entrance = await self.get(f"/sign-in?to={to}" if to else "/sign-in")
        return await self.post("/sign-in", {**entrance.form("/sign-in"), "link": link})

    async def decide(self, card: Page, word: str, reason: str = "") -> Page:
        """Press a button of a card."""
        return await self.post(card.url.path, {**card.form(card.url.path), "word": word, "reason": reason})


async def _page(answer: aiohttp.ClientResponse) -> Page:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.status, headers, await answer.text(), answer.url)


class House:
    """The served gateway and what a test makes in it."""

    def __init__(self, url: str, stage: Stage) -> None:
        self.url, self.stage = url, stage

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        """Yield a browser that nobody has used."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            yield Browser(self.url, http)

    async def link(self, name: str) -> str:
        """Return a fresh one-time link, as `skipass user link` prints it."""
        _, token = await self.stage.gateway.people.link(await self.stage.principal("admin"), name)
        return f"{self.url}/sign-in#{token.reveal()}"

    async def review(self, reason: str) -> str:
        """Have the agent break the glass, and return the id of the review it owes."""
        gateway, admin = self.stage.gateway, await self.stage.principal("admin")

        async def channel(unit: UnitOfWork) -> None:
            await unit.set(CHANNELS, "webhook")

        await gateway.deps.journal.write(channel)
        await gateway.groups.add(admin, "oncall", kind=MemberKind.USER, member="sam")
        await self.apply(GLASS)
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": reason, "break_glass": True}
        opened = await self.stage.call("skipass_request_session", wish)
        (review,) = await self.stage.every(Review, session_id=opened.session_id)
        return str(review.id)

    async def apply(self, policy: str) -> None:
        """Bring a policy into force."""
        await self.stage.gateway.policies.apply(await self.stage.principal("admin"), policy)

    async def held(self, statement: str = UPDATE) -> Envelope:
        """Have a statement held in a session of its own."""
        await self.stage.session()
        return await self.stage.query(statement)
