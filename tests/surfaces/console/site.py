"""The pages as a whole: their table of routes, and everything a person is led to from the first one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp

from skipass.surfaces.console import app
from surfaces.console.browser import Browser

START = "/console"
STREAM = "text/event-stream"
MOST = 600
# What is typed into a form that leads on to another: the page is the next one, at the same path.
FILLED = {
    "/console/connecting": "?method=key_pair&look=yes&name=walked&account=MYORG-WALKED&role=R&login=L&schema=D.S",
}
_ROUTE = re.compile(r'\("(GET|POST)", "(/[^"]*)"\)')
_LEADS = ("href", "src", "hx-get", "sse-connect")
_TYPED = {"text", "search", "email", "url", "number", "password", "datetime-local", ""}


def routes(method: str) -> frozenset[str]:
    """Return the places of the console's table that take a method; one that ends in / takes the name of a thing."""
    return frozenset(path for verb, path in _ROUTE.findall(inspect.getsource(app)) if verb == method)


def route_of(path: str, table: frozenset[str]) -> str | None:
    """Return the place that answers a path, None where the console has none."""
    path = path.partition("?")[0]
    if path in table:
        return path
    begun = [one for one in table if one.endswith("/") and path.startswith(one)]
    return max(begun, key=len, default=None)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that posts: what stands in it, the names a person types into, and its buttons with a name.

    A button may send it elsewhere: what it says is its name, its value and where to.
    """

    action: str
    fields: Mapping[str, str]
    typed: tuple[str, ...]
    buttons: tuple[tuple[str, str, str], ...]

    def pressed(self, typed: str = "x") -> Iterator[tuple[str, dict[str, str]]]:
        """Yield where each of its buttons sends what, with a text in what was left empty."""
        filled = {**self.fields, **{name: self.fields.get(name) or typed for name in self.typed}}
        for name, value, action in self.buttons or (("", "", ""),):
            yield action or self.action, {**filled, **({name: value} if name else {})}

    @property
    def actions(self) -> frozenset[str]:
        """Every address it may be sent to."""
        return frozenset(action for action, _ in self.pressed())

    @property
    def token(self) -> str:
        """The token that the form must carry."""
        return self.fields.get("form", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.forms: list[Form] = []
        self._form: tuple[str, str, dict[str, str], list[str], list[tuple[str, str, str]]] | None = None
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.leads += [given[name] for name in _LEADS if name in given]
        if tag == "form":
            self._form = (given.get("method", "get"), given.get("action", ""), {}, [], [])
        elif self._form is not None:
            self._in_form(tag, given)

    def _in_form(self, tag: str, given: Mapping[str, str]) -> None:
        assert self._form is not None
        _, _, fields, typed, buttons = self._form
        name, kind = given.get("name", ""), given.get("type", "")
        if tag == "button" and name:
            buttons.append((name, given.get("value", ""), given.get("formaction", "")))
        elif name and (tag == "textarea" or (tag == "input" and kind in _TYPED)):
            typed.append(name)
            fields[name] = given.get("value", "")
            self._area = name if tag == "textarea" else None
        elif tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            fields[name] = given.get("value", "on")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in fields or "selected" in given):
            fields[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area is not None:
            self._form[2][self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        if tag == "select":
            self._select = None
        if tag != "form" or self._form is None:
            return
        method, action, fields, typed, buttons = self._form
        if method == "post":
            self.forms.append(Form(action, fields, tuple(typed), tuple(buttons)))
        else:
            self.leads.append(f"{action}?{urlencode(fields)}")
        self._form = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer of the console to a GET: a stream's body is not waited for."""

    path: str
    status: int
    headers: Mapping[str, str]
    html: str
    forms: tuple[Form, ...]
    leads: tuple[str, ...]


@dataclass(slots=True)
class Reach:
    """What one person is led to: a page by its path, opened once whatever its query."""

    pages: dict[str, Seen] = field(default_factory=dict)

    @property
    def forms(self) -> list[Form]:
        """Every form that posts to the console."""
        return [one for page in self.pages.values() for one in page.forms if one.action.startswith(START)]

    def offers(self, form: Form) -> bool:
        """Whether this person was shown such a form: to the same place, about the same thing."""
        return any(_about(one) == _about(form) for one in self.forms)


def _about(form: Form) -> tuple[str, frozenset[tuple[str, str]]]:
    told = {(name, text) for name, text in form.fields.items() if name != "form" and name not in form.typed}
    return form.action, frozenset(told)


async def look(browser: Browser, path: str) -> Seen:
    """Open one address, without following where it leads."""
    async with browser.http.get(f"{browser.url}{path}", allow_redirects=False) as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        html = "" if headers.get("content-type", "").startswith(STREAM) else await answer.text()
    return _read(path, answer, headers, html)


def forms_of(html: str) -> list[Form]:
    """Return the forms of a page that post."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def _read(path: str, answer: aiohttp.ClientResponse, headers: Mapping[str, str], html: str) -> Seen:
    reader = _Reader()
    if headers.get("content-type", "").startswith("text/html"):
        reader.feed(html)
    return Seen(path, answer.status, headers, html, tuple(reader.forms), tuple(reader.leads))


async def walk(browser: Browser, start: str = START) -> Reach:
    """Open the first page and whatever it leads to within the console, and so on, each path once."""
    reach, ahead = Reach(), [start]
    while ahead:
        address = ahead.pop(0)
        path = urlsplit(address).path
        path = address if address == f"{path}{FILLED.get(path)}" else path
        if path in reach.pages:
            continue
        seen = reach.pages[path] = await look(browser, address)
        assert len(reach.pages) <= MOST
        ahead += [f"{path}{FILLED[path]}"] if path in FILLED and seen.status == 200 else []
        where = [urlsplit(urljoin(address, one)) for one in (*seen.leads, seen.headers.get("location", ""))]
        ahead += [one._replace(fragment="").geturl() for one in where if not one.netloc and one.path.startswith(START)]
    return reach
