"""Hostile text, typed into every form of the console: nothing of it runs, and no page is too wide for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.axe import findings
from browser.test_axe import entered
from surfaces.console.lively import EMPTY, ENDLESS, SCRIPT, TURNED, Lively, lively
from surfaces.console.site import Form, Seen, walk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from browser.chrome import Chrome
    from browser.chrome import Seen as Window
    from skipass.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TELEPHONE = 360
TYPED = f"{SCRIPT}{TURNED}{EMPTY}{ENDLESS}"
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What a browser notes of any page that is a refusal."""
_TYPE = """([at, names, text]) => {
  const form = document.forms[at];
  form.noValidate = true;
  for (const name of names) {
    const field = form.elements[name];
    field.type = field.tagName === 'INPUT' ? 'text' : field.type;
    field.removeAttribute('maxlength');
    field.value = text;
  }
}"""
_SEND = "([at, number]) => document.forms[at].requestSubmit(document.forms[at].querySelectorAll('button')[number])"


@pytest.fixture(scope="module")
async def gateway(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lively]:
    async with lively(sandbox, tmp_path_factory.mktemp("hostile") / "home") as made:
        yield made


def kinds(pages: list[Seen]) -> list[tuple[str, Form, int]]:
    """Return of each kind of form that takes text the page it stands on, the form, and its number of buttons."""
    found: dict[str, tuple[str, Form, int]] = {}
    for page in pages:
        for form in page.forms:
            place = form.action.rstrip("0123456789abcdefghijklmnopqrstuvwxyz-")
            if form.typed and form.action.startswith("/console"):
                kind = f"{place} {form.typed} {form.fields.get('word')}"
                found.setdefault(kind, (page.path, form, max(1, len(form.buttons))))
    return list(found.values())


async def sent(window: Window, form: Form, number: int, program: str) -> list[str]:
    """Type into a form of the page at hand, press one of its buttons, and return what is wrong with the answer."""
    at = await window.page.evaluate("(to) => [...document.forms].findIndex((one) => one.matches(to))", _found(form))
    if at < 0:
        return []
    await window.page.evaluate(_TYPE, [at, list(form.typed), TYPED])
    async with window.page.expect_navigation():
        await window.page.evaluate(_SEND, [at, number])
    found = [said for said in window.wrong if not said.startswith(REFUSED)]
    found += [str(one) for one in await findings(window.page, program)]
    window.wrong.clear()
    if await window.overflow() > 0:
        found.append("wider than the window")
    if await window.page.evaluate("() => window.ran") is not None:
        found.append("something ran")
    if await window.page.locator("main img, main script").count():
        found.append("text became an element")
    return found


def _found(form: Form) -> str:
    inside = "".join(f':has([name="{name}"])' for name in form.typed)
    return f'form[action="{form.action}"]{inside}'


async def test_hostile_text_is_text_wherever_it_is_typed(gateway: Lively, chrome: Chrome, program: str) -> None:
    """Each form's every button is pressed over it, on a telephone: the answer is a page like any other."""
    async with gateway.pages.browser() as browser:
        await browser.sign_in(await gateway.pages.link("admin"))
        reach = await walk(browser)
    found, pressed = {}, 0
    async with chrome.window(width=TELEPHONE) as window:
        await entered(window, gateway, "admin")
        for path, form, buttons in kinds(list(reach.pages.values())):
            for number in range(buttons):
                await window.page.goto(f"{gateway.pages.url}{path}")
                pressed += 1
                if wrong := await sent(window, form, number, program):
                    found[f"{path} {form.action} {number}"] = wrong
    assert found == {}
    assert pressed > 3
