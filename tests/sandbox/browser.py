"""A browser of the tests' own: follows the account's or the provider's pages as a person would, form by form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPSConnection
from ssl import SSLContext
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str | None:
        return self.headers.get("location")

    @property
    def answer(self) -> dict[str, str]:
        """The query of the redirect."""
        return dict(parse_qsl(urlsplit(self.location or "").query))


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: unescape(value or "") for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found["value"]


@dataclass
class Person:
    """Somebody with a user name and password at one host; keeps cookies, follows no redirect."""

    host: str
    username: str
    password: str = field(repr=False)
    virtual_host: str | None = None
    trust: SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, target: str) -> Page:
        return self._ask("GET", target)

    def fill(self, page: Page, **fields: str) -> Page:
        """Post the form of a page with further fields."""
        form = _Form()
        form.feed(page.text)
        return self._ask("POST", form.action, form.fields | fields)

    def sign_in(self, page: Page) -> Page:
        return self.fill(page, username=self.username, password=self.password)

    def through(self, target: str, decision: str = "allow") -> Page:
        """Open an address, sign in if asked, decide if asked, and return the last answer."""
        page = self.get(target)
        if 'name="password"' in page.text:
            page = self.sign_in(page)
        if 'value="cancel"' in page.text:
            page = self.fill(page, decision=decision)
        return page

    def _ask(self, method: str, target: str, form: dict[str, str] | None = None) -> Page:
        kind = HTTPConnection(self.host) if self.trust is None else HTTPSConnection(self.host, context=self.trust)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if self.virtual_host is not None:
            headers["Host"] = self.virtual_host
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        kind.request(method, target, urlencode(form) if form is not None else None, headers)
        answer = kind.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("set-cookie") or []:
            found = re.match(r"([^=]+)=([^;]*)", cookie)
            assert found is not None
            self.cookies[found.group(1)] = found.group(2)
        kind.close()
        return Page(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
