"""Nobody sees or does more by address than by menu: held for every page, every form and every sort of person."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from skipass.sandbox.testing import RunningSandbox
from skipass.secret import Secret
from skipass.storage.export import records
from skipass.surfaces.edge import cookies
from surfaces.console.browser import Browser
from surfaces.console.lively import ROLES, Lively, lively
from surfaces.console.site import Form, Reach, look, route_of, routes, walk

pytestmark = pytest.mark.anyio
QUESTIONS = ("/console/policy/explain",)
"""What is asked there changes nothing; whoever is shown one form of it may ask by another."""
FILES = ("text/css", "text/javascript")
REFUSED = (400, 401, 403, 404)
PEOPLE = ("sam", *ROLES)
# Comes with time, or with signing in, whatever anybody asks.
BY_ITSELF = ("chain.", "clock.", "notice.", "sign_in.", "link.", "token.", "auth.", "session.lapsed", "approval.lapsed")


@dataclass
class Estate:
    """What everybody is led to, their browsers, and what each form's token is for."""

    lively: Lively
    purposes: dict[str, str] = field(default_factory=dict)
    reached: dict[str, Reach] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)

    def new(self, key: bytes, message: bytes, kind: Any) -> Any:
        """Make a token as the pages do, and note what for."""
        made = hmac.new(key, message, kind)
        self.purposes[made.hexdigest()] = message.partition(b"\0")[2].decode()
        return made

    def facts(self) -> list[tuple[str, str]]:
        """Return what has happened, but for what happens by itself."""
        found = records(self.lively.stage.home.database)
        return [(one.kind, one.subject) for one in found if not one.kind.startswith(BY_ITSELF)]

    def forged(self, who: str, form: Form) -> dict[str, str]:
        """Return a form's fields as if it had been made for this person, whatever they were shown."""
        (cookie,) = [one.value for one in self.browsers[who].http.cookie_jar if one.key == "skipass"]
        token = cookies.form_token(Secret(cookie), self.purposes[form.token])
        return {**form.fields, "form": token}


@pytest.fixture(scope="module")
async def estate(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Everybody has walked through everything they are led to."""
    async with lively(sandbox, tmp_path_factory.mktemp("rights") / "home") as made, AsyncExitStack() as stack:
        found = Estate(made)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(cookies, "hmac", SimpleNamespace(new=found.new, compare_digest=hmac.compare_digest))
        for who in PEOPLE:
            browser = found.browsers[who] = await stack.enter_async_context(made.pages.browser())
            await browser.sign_in(await made.pages.link(who))
            found.reached[who] = await walk(browser)
        found.browsers["nobody"] = await stack.enter_async_context(made.pages.browser())
        yield found


def everything(estate: Estate) -> dict[str, str]:
    """Return an address for every page that somebody is led to, by its path, but for styles and scripts."""
    pages = [page for reach in estate.reached.values() for page in reach.pages.items()]
    return {path: seen.path for path, seen in pages if not seen.headers["content-type"].startswith(FILES)}


async def test_everybody_is_led_to_what_opens(estate: Estate) -> None:
    """No page that somebody is led to is missing, closed to them, or broken."""
    broken = {
        f"{who}: {path} {seen.status}"
        for who, reach in estate.reached.items()
        for path, seen in reach.pages.items()
        if seen.status != 200
    }
    assert broken == set()


async def test_every_page_of_the_table_is_reached(estate: Estate) -> None:
    """A page that nobody is led to, or a form that nobody is shown, is in no proof here: there is none."""
    gets, posts = routes("GET"), routes("POST")
    assert {route_of(path, gets) for path in everything(estate)} == gets - {"/sign-in"}
    forms = [form for reach in estate.reached.values() for form in reach.forms]
    shown = {route_of(action, posts) for form in forms for action in form.actions}
    assert shown == posts - {"/sign-in"}


@pytest.mark.parametrize("who", PEOPLE)
async def test_an_address_opens_no_more_than_the_menu(estate: Estate, who: str) -> None:
    """What a person is not led to answers as if it were not there, or as not theirs."""
    beyond = {path: at for path, at in everything(estate).items() if path not in estate.reached[who].pages}
    before = estate.facts()
    opened = {path: (await look(estate.browsers[who], at)).status for path, at in beyond.items()}
    assert {path: status for path, status in opened.items() if status not in (403, 404)} == {}
    assert estate.facts() == before


async def test_nobody_sees_anything(estate: Estate) -> None:
    """Without a sign-in each page leads to one."""
    for path, at in everything(estate).items():
        seen = await look(estate.browsers["nobody"], at)
        assert (seen.status, seen.headers.get("location", "").partition("?")[0]) == (303, "/sign-in"), path


@pytest.mark.parametrize("who", PEOPLE)
async def test_a_form_that_is_not_offered_does_nothing(estate: Estate, who: str) -> None:
    """Every form of the others, sent with a token that is this person's own, is refused, and nothing happens."""
    before, known = estate.facts(), set()
    actions = {action for form in estate.reached[who].forms for action in form.actions}
    for form in (form for reach in estate.reached.values() for form in reach.forms):
        if estate.reached[who].offers(form) or _key(form) in known:
            continue
        known.add(_key(form))
        for action, fields in form.pressed():
            sent = {**fields, "form": estate.forged(who, form)["form"]}
            answer = await estate.browsers[who].post(action, sent)
            asks = action in QUESTIONS and action in actions
            assert answer.status in REFUSED or asks or _already(sent), (action, sent, answer.text)
    assert estate.facts() == before


def _already(sent: dict[str, str]) -> bool:
    """Whether a form asks for what is the case: an agent that does not act for somebody is told so again."""
    return sent.get("word") == "stop"


def _key(form: Form) -> tuple[str, str]:
    return form.action, str({name: text for name, text in form.fields.items() if name != "form"})
