"""What a browser is told and what a form must bring, held for every page and every form there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from yarl import URL

from gateways import served, stage
from skipass.sandbox.testing import RunningSandbox
from skipass.storage.export import records
from surfaces.console.browser import Browser, House
from surfaces.console.lively import Lively, lively
from surfaces.console.site import Form, Reach, look, route_of, routes, walk

pytestmark = pytest.mark.anyio
EMBEDDED = {
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HTTPS = "https://gateway.example.com"
VERSIONED = re.compile(r"/console/[a-z-]+-\d+\.\d+\.\d+\.js")
CODE = ("javascript:", "data:", "vbscript:")
DIRECTIVES = {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"}
BY_ITSELF = ("chain.", "clock.", "notice.", "sign_in.", "link.", "token.", "auth.", "session.lapsed", "approval.lapsed")


@dataclass
class Guarded:
    """An admin who has walked through everything, another admin, and what there was before."""

    lively: Lively
    admin: Browser
    other: Browser
    reach: Reach

    def forms(self) -> list[Form]:
        """Return one form of each kind: of those to one place for one purpose the first."""
        kinds: dict[str, Form] = {}
        for form in self.reach.forms:
            kinds.setdefault(f"{route_of(form.action, routes('POST'))} {form.fields.get('word')} {form.buttons}", form)
        return list(kinds.values())

    def facts(self) -> list[tuple[str, str]]:
        """Return what has happened, but for what happens by itself."""
        found = records(self.lively.stage.home.database)
        return [(one.kind, one.subject) for one in found if not one.kind.startswith(BY_ITSELF)]


@pytest.fixture(scope="module")
async def guarded(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """Two admins, of whom one is led to nothing the other is not."""
    async with lively(sandbox, tmp_path_factory.mktemp("guarding") / "home") as made, AsyncExitStack() as stack:
        admin, other = [await stack.enter_async_context(made.pages.browser()) for _ in range(2)]
        await admin.sign_in(await made.pages.link("admin"))
        await other.sign_in(await made.pages.link("ada"))
        yield Guarded(made, admin, other, await walk(admin))


async def test_every_answer_keeps_out_what_is_not_ours(guarded: Guarded) -> None:
    """Pages, refusals, ways on, files, scripts and streams: none is framed, sniffed, or lets anything in.

    None is kept, but what is the same for everybody and has its version in its name.
    """
    seen = list(guarded.reach.pages.values())
    async with guarded.lively.pages.browser() as nobody:
        seen += [await look(nobody, path) for path in ("/sign-in", "/console", "/console/none", "/console/sessions")]
    seen.append(await look(guarded.admin, "/console/audit?from=never"))
    for one in seen:
        said = {name: one.headers.get(name) for name in EMBEDDED}
        if VERSIONED.fullmatch(one.path) and said["cache-control"] == "public, max-age=31536000, immutable":
            said["cache-control"] = "no-store"
        assert said == EMBEDDED, one.path
        policy = [part.strip() for part in one.headers["content-security-policy"].split(";")]
        assert {part for part in policy if part.startswith("form-action")} | DIRECTIVES <= set(policy), one.path
        allowed = {part.partition(" ")[2] for part in policy} - {"'none'", "'self'"}
        assert allowed == set(), one.path


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


async def test_nothing_stands_in_a_page_that_could_run(guarded: Guarded) -> None:
    """No page has code or styles of its own, a handler or an address that is code; scripts come as files, from here."""
    for one in guarded.reach.pages.values():
        for tag, given in _Tags(one.html).found if one.headers["content-type"].startswith("text/html") else ():
            assert tag not in ("style", "iframe", "object", "embed", "base", "img"), one.path
            assert tag != "script" or given.get("src", "").startswith("/console/"), one.path
            assert not {name for name in given if name.startswith(("on", "hx-on", "style"))}, one.path
            assert not {text for text in given.values() if text.strip().lower().startswith(CODE)}, one.path


REFUSALS = ("no origin", "foreign origin", "null origin", "no token", "another's token", "nobody")


@pytest.mark.parametrize("case", REFUSALS)
async def test_no_form_counts_but_from_its_own_page(guarded: Guarded, case: str) -> None:
    """Each form, sent from elsewhere, without its token, with one made for somebody else, or by nobody, is refused."""
    before = guarded.facts()
    async with guarded.lively.pages.browser() as nobody:
        sender = {"another's token": guarded.other, "nobody": nobody}.get(case, guarded.admin)
        for form in guarded.forms():
            for action, fields in form.pressed():
                given = {name: text for name, text in fields.items() if name != "form" or case != "no token"}
                answer = await sender.post(action, given, **_from(case))
                assert answer.status in (401, 403), (action, answer.text)
    assert guarded.facts() == before


def _from(case: str) -> Mapping[str, str]:
    said = {"no origin": "", "foreign origin": "https://evil.example.com", "null origin": "null"}
    return {"origin": said[case]} if case in said else {}


async def test_no_form_counts_by_address(guarded: Guarded) -> None:
    """What a form would send, put into an address, changes nothing."""
    before = guarded.facts()
    for form in guarded.forms():
        for action, fields in form.pressed():
            seen = await look(guarded.admin, f"{action}?{urlencode(fields)}")
            assert seen.status < 500, action
    assert guarded.facts() == before


async def test_a_sign_in_is_never_the_one_that_was_planted(guarded: Guarded) -> None:
    """A cookie that somebody put into the browser is worth nothing before, and another one stands there after."""
    planted, pages = "a" * 43, guarded.lively.pages
    async with pages.browser() as victim, pages.browser() as thief:
        for one in (victim, thief):
            one.http.cookie_jar.update_cookies({"skipass": planted}, URL(one.url))
            assert (await one.get("/console")).url.path == "/sign-in"
        await victim.sign_in(await pages.link("member"))
        first = _kept(victim)
        assert (await victim.get("/console/access")).url.path == "/console/access"
        assert (await thief.get("/console/access")).url.path == "/sign-in"
        await victim.sign_in(await pages.link("member"))
        assert len({planted, first, _kept(victim)}) == 3


async def test_signing_out_closes_every_page(guarded: Guarded) -> None:
    """The cookie that was kept opens none of the pages it opened, and its forms do nothing."""
    async with guarded.lively.pages.browser() as leaving:
        page = await leaving.sign_in(await guarded.lively.pages.link("admin"))
        cookie = {"cookie": f"skipass={_kept(leaving)}"}
        (form,) = [one for one in (await look(leaving, "/console")).forms if one.action == "/console/sign-out"]
        await leaving.post(form.action, form.fields)
        for path, seen in guarded.reach.pages.items():
            if route_of(path, routes("GET")) is not None:
                after = await leaving.get(seen.path, headers=cookie, allow_redirects=False)
                assert (after.status, after.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
        assert (await leaving.post(form.action, form.fields, **cookie)).status == 401
        assert page.status == 200


def _kept(browser: Browser) -> str:
    (found,) = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
    return found


@pytest.mark.parametrize(("base_url", "name"), [("http://127.0.0.1:8787", "skipass"), (HTTPS, "__Host-skipass")])
async def test_the_cookie_is_for_this_origin_and_no_script(
    sandbox: RunningSandbox, tmp_path: Path, base_url: str, name: str
) -> None:
    """It is kept from scripts and other sites, and where the gateway is reached by https, from plain http."""
    async with stage(sandbox, tmp_path / "home", base_url=base_url) as at, served(at) as url:
        house = House(url, at)
        async with house.browser() as browser:
            link = (await house.link("ada")).rpartition("#")[2]
            form, sent = {"link": link, "to": ""}, {"origin": url}
            to = f"{url}/sign-in"
            async with browser.http.post(to, data=form, headers=sent, allow_redirects=False) as answer:
                (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert cookie.key == name
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Strict", "/", "")
        assert bool(cookie["secure"]) is (base_url == HTTPS)
