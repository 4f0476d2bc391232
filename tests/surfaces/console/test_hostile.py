"""What an enemy wrote, on every page that shows it: spelled out, bounded, and kept where it was typed."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser
from surfaces.console.lively import EMPTY, ENDLESS, SCRIPT, TURNED, Lively, lively
from surfaces.console.site import Form, Reach, Seen, forms_of, look, walk

pytestmark = pytest.mark.anyio
MOST_BYTES = 250_000
"""More than any list or page is with a hundred long texts on it, and less than one statement of a megabyte."""
TYPED = f"{SCRIPT}{TURNED}{EMPTY}{ENDLESS}"
SECRETS = ("credential",)
"""Forms that take a secret, which no answer shows again."""
DECIDED = ("/console/approvals/", "/console/reviews/")
"""Once one button was pressed there is nothing left to decide, and no form."""
SPOKEN = ("title", "aria-label", "alt", "placeholder")


@dataclass
class Attacked:
    """A gateway full of hostile text, and an admin who has walked through all of it."""

    lively: Lively
    admin: Browser
    reach: Reach

    @property
    def pages(self) -> list[Seen]:
        """What was shown as a page."""
        return [one for one in self.reach.pages.values() if one.headers["content-type"].startswith("text/html")]


@pytest.fixture(scope="module")
async def attacked(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacked]:
    async with lively(sandbox, tmp_path_factory.mktemp("hostile") / "home") as made, AsyncExitStack() as stack:
        admin = await stack.enter_async_context(made.pages.browser())
        await admin.sign_in(await made.pages.link("admin"))
        yield Attacked(made, admin, await walk(admin))


class _Shown(HTMLParser):
    """What of a page is read by a person: its text and what is said of its parts, not what stands in its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts += [value or "" for name, value in attrs if name in SPOKEN]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["textarea"]:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")


def hidden(html: str) -> set[str]:
    """Return the characters a person is shown that would not show, or would move others."""
    text = "".join(_Shown(html).texts)
    return {f"U+{ord(char):04X}" for char in text if unicodedata.category(char) in ("Cf", "Cc") and char not in "\n\t"}


async def test_nothing_hides_on_any_page(attacked: Attacked) -> None:
    """Characters that would not show are spelled out on every page, in titles too, and text makes no element."""
    assert {one.path: hidden(one.html) for one in attacked.pages if hidden(one.html)} == {}
    assert [one.path for one in attacked.pages if {"img", "b"} & set(_Shown(one.html).tags)] == []
    assert any("⟨U+202E⟩" in one.html and "&lt;script&gt;" in one.html for one in attacked.pages)


async def test_no_page_is_as_long_as_what_was_written(attacked: Attacked) -> None:
    """Not even where a statement is a megabyte long; its own record, a file, has all of it."""
    assert {one.path: len(one.html) for one in attacked.pages if len(one.html.encode()) > MOST_BYTES} == {}
    assert any(len(one.html) > 1_000_000 for one in attacked.reach.pages.values())


def typed_into(attacked: Attacked) -> list[tuple[Seen, Form]]:
    """Return one form of each kind that takes text, and the page it stands on."""
    kinds: dict[str, tuple[Seen, Form]] = {}
    for page in attacked.pages:
        for form in page.forms:
            if form.typed and form.action.startswith("/console"):
                place = form.action.rstrip("0123456789abcdefghijklmnopqrstuvwxyz-")
                kinds.setdefault(f"{place} {form.typed} {form.fields.get('word')}", (page, form))
    return list(kinds.values())


async def test_a_refused_form_keeps_what_was_typed(attacked: Attacked) -> None:
    """Whatever is typed into a form of the console, its answer hides nothing, is bounded, and keeps it if refused."""
    found: dict[str, str] = {}
    for page, form in typed_into(attacked):
        for action, fields in _filled(form):
            answer = await attacked.admin.post(action, fields)
            name = f"{page.path} {action} {fields.get('word')}"
            assert answer.status < 500, name
            assert not hidden(answer.html), name
            assert len(answer.html.encode()) < MOST_BYTES, name
            if answer.status < 400 or action.startswith(DECIDED) or fields.get("word") in SECRETS:
                continue
            if not _kept(answer.html, form):
                found[name] = f"{answer.status} {answer.text[-200:]}"
    assert found == {}, "\n".join(found)


def _filled(form: Form) -> list[tuple[str, dict[str, str]]]:
    return [(action, fields | dict.fromkeys(form.typed, TYPED)) for action, fields in form.pressed()]


def _kept(html: str, form: Form) -> bool:
    return any(set(form.typed) & {name for name, text in one.fields.items() if text == TYPED} for one in forms_of(html))


async def test_a_query_that_is_hostile_is_a_page(attacked: Attacked) -> None:
    """A filter that nothing fits, or that cannot be read, is answered by a page that says so and hides nothing."""
    for page in attacked.pages:
        path = page.path.partition("?")[0]
        given = dict.fromkeys(("after", "state", "agent", "user", "kind", "about", "from", "role", "key"), TYPED)
        seen = await look(attacked.admin, f"{path}?{urlencode(given)}")
        assert seen.status in (200, 400, 404), path
        assert not hidden(seen.html), path
        assert len(seen.html.encode()) < MOST_BYTES, path
