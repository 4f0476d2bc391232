"""What people do to sign in with the identity provider, and what a test does to the provider meanwhile."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from gateways import BASE_URL
from sandbox.browser import Person
from skipass.nouns.people import User
from surfaces.console.browser import Browser, House, Page

DANA, ERIK = "dana@example.com", "erik@example.com"
START, CALLBACK = "/oauth/sign-in/start", "/oauth/sign-in/callback"
GROUPS = {DANA: ["operations", "data-approvers"], ERIK: ["operations"]}


class Town(House):
    """The served gateway with an identity provider, and its people."""

    def __init__(self, url: str, stage: Any) -> None:
        super().__init__(url, stage)
        self.known: dict[tuple[int, str], Person] = {}

    @property
    def gateway(self) -> Any:
        return self.stage.gateway

    def groups(self, login: str, *names: str) -> None:
        """Put somebody into these groups of the provider, and out of all others."""
        self.stage.sandbox.control.provider("person", login=login, groups=list(names))

    async def leave(self, browser: Browser, to: str = "") -> str:
        """Begin to sign in and return the provider's address."""
        query = f"?to={quote(to, safe='')}" if to else ""
        address = URL(f"{self.url}{START}{query}", encoded=True)
        async with browser.http.get(address, allow_redirects=False) as gone:
            assert gone.status == 303, await gone.text()
            return gone.headers["location"]

    async def prove(self, browser: Browser, address: str, login: str = DANA) -> str:
        """Sign in at the provider, with a password where it asks, and return where the browser is sent."""
        parts = urlsplit(address)
        users = {one["login"]: one["password"] for one in self.stage.sandbox.said["idp"]["users"]}
        person = self.known.setdefault((id(browser), login), Person(parts.netloc, login, users[login]))
        page = await asyncio.to_thread(person.through, f"{parts.path}?{parts.query}")
        assert page.location is not None, page.text
        return page.location

    async def land(self, browser: Browser, address: str) -> Page:
        assert address.startswith(BASE_URL + CALLBACK), address
        return await browser.get(address.removeprefix(BASE_URL))

    async def enter(self, browser: Browser, login: str = DANA, to: str = "") -> Page:
        """Walk the whole way, and on to the page that was to be opened."""
        page = await self.land(browser, await self.prove(browser, await self.leave(browser, to), login))
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.html)
        return await browser.get(unescape(found[1])) if found else page

    async def cookie(self, browser: Browser) -> str:
        """Return the text of the browser's sign-in."""
        (found,) = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
        return found

    async def person(self, name: str) -> User:
        (found,) = await self.stage.every(User, name=name)
        return found

    async def posted(self, path: str, headers: dict[str, str] | None = None, **form: str) -> tuple[int, Any]:
        """Post a form as a program does, and return status and JSON."""
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}{path}", data=form, headers=headers) as said:
            return said.status, await said.json()

    async def whoami(self, token: str) -> tuple[int, Any]:
        sent = {"authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/api/v1/whoami", headers=sent) as said:
            return said.status, await said.json()
