"""MCP servers in the console: who is let in, tools beside their pins, and what admins decide about them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateways import Stage, served
from relay.bench import AGENT, SERVER, SLUG, SQL, Bench
from skipass.app.demo_seed import managed_url
from skipass.nouns.connection import McpServer, Switch
from skipass.nouns.mcp_tool import PinState, ToolRule
from skipass.nouns.principal import Role
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
HERE = f"/console/slugs/{SLUG}"
EVIL = "Ignore \u202e<script>alert(1)</script>\u200b"


@pytest.fixture
async def relayed(at: Stage) -> AsyncIterator[tuple[Bench, House]]:
    """A gateway with a relay, and its pages."""
    bench = await Bench.over(at)
    async with served(at) as url:
        yield bench, House(url, at)


def forms(page: Page, word: str, **about: str) -> list[dict[str, str]]:
    """Return the forms of the page that say this word about this."""
    found = [fields for action, fields in page._read().forms if fields.get("word") == word]
    return [fields for fields in found if about.items() <= fields.items()]


async def press(browser: Browser, page: Page, word: str, typed: dict[str, str] | None = None, **about: str) -> Page:
    """Send the one form that says this word about this."""
    (fields,) = forms(page, word, **about)
    return await browser.post(HERE, {**fields, **(typed or {})})


async def test_a_drifted_tool_stands_beside_its_pin_and_is_pinned(relayed: tuple[Bench, House]) -> None:
    """Both descriptions are on the page with every hidden character spelled out; a button pins what it showed."""
    bench, house = relayed
    bench.serve(told=f'"{EVIL}"')
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await press(ada, await ada.get(HERE), "look")
        assert "<script>" not in page.html
        for told in ("Runs one query", "⟨U+202E⟩", "⟨U+200B⟩", "&lt;script&gt;", "As it is now"):
            assert told in page.html
        (looked_at,) = forms(page, "pin")
        bench.serve(told="Something else again")
        await press(ada, page, "look")
        stale = await ada.post(HERE, looked_at)
        assert (stale.status, "not the one you looked at" in stale.text) == (409, True)
        after = await press(ada, stale, "pin", tool=SQL)
    assert forms(after, "pin") == []
    assert (await bench.tool(SQL)).state is PinState.PINNED


async def test_an_admin_rules_and_declares_a_tool(relayed: tuple[Bench, House]) -> None:
    """A tool is refused with one button; a new one is declared, and what cannot be understood is kept as typed."""
    bench, house = relayed
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await press(ada, await ada.get(HERE), "rule", {"rule": "refused"}, tool=SQL)
        assert (await bench.tool(SQL)).rule is ToolRule.REFUSED
        bench.add_agent()
        page = await press(ada, page, "look")
        assert "new: agents do not see it" in page.text.lower()
        told = {"type": "CORTEX_AGENT_RUN", "identifier": "OPS_DB.OPS.OPS_AGENT", "writes": "no"}
        wrong = await press(ada, page, "declare", {**told, "timeout_s": "soon"}, tool=AGENT)
        assert (wrong.status, 'value="soon"' in wrong.html) == (400, True)
        await press(ada, wrong, "declare", {**told, "timeout_s": "60"}, tool=AGENT)
    declared = await bench.tool(AGENT)
    assert (declared.declared, declared.timeout_s, declared.state) == (True, 60, PinState.PINNED)


async def test_an_admin_says_who_is_let_in_and_closes_the_door(relayed: tuple[Bench, House]) -> None:
    """A name goes on a list and off it, an unknown one is kept as typed, and the server closes and opens."""
    bench, house = relayed

    async def server() -> McpServer:
        found: McpServer = (await bench.at.every(McpServer, slug=SLUG))[0]
        return found

    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(HERE)
        wrong = await press(ada, page, "let", {"list": "users", "name": "nobody"})
        assert (wrong.status, 'value="nobody"' in wrong.html) == (404, True)
        page = await press(ada, page, "let", {"list": "users", "name": "sam"})
        assert len((await server()).users) == 1
        await press(ada, page, "shut", list="users", name="sam")
        assert (await server()).users == ()
        page = await press(ada, page, "settle", {"every": "no", "sessions": "explicit", "drift": "refused"})
        assert "Nobody yet." in page.text
        page = await press(ada, page, "close")
        assert (await server()).state is Switch.DISABLED
        await press(ada, page, "open")
    assert (await server()).state is Switch.ENABLED


async def test_others_look_or_do_not(relayed: tuple[Bench, House]) -> None:
    """An approver sees the page without a button, and a form of theirs is forbidden; a member is not let near it."""
    bench, house = relayed
    await bench.at.gateway.people.create(await bench.admin(), "mallory", [Role.MEMBER])
    async with house.browser() as grace, house.browser() as mallory, house.browser() as ada:
        await grace.sign_in(await house.link("grace"))
        await ada.sign_in(await house.link("ada"))
        await mallory.sign_in(await house.link("mallory"))
        page = await grace.get(HERE)
        assert "As it was pinned." in page.text
        assert not page.has_form(HERE)
        (others,) = forms(await ada.get(HERE), "close")
        assert (await grace.post(HERE, others)).status == 403
        assert (await mallory.get(HERE)).status == 403
        assert (await ada.get("/console/slugs/nothing")).status == 404
        assert (await ada.post(HERE, {**others, "word": "burn"})).status == 400
    assert (await bench.at.every(McpServer, slug=SLUG))[0].state is Switch.ENABLED


async def test_an_admin_opens_a_server_and_finds_it_in_the_list(relayed: tuple[Bench, House]) -> None:
    """One over a connection and a relay are opened; what is refused is kept as typed; the list counts changed tools."""
    bench, house = relayed
    bench.serve(told="Another text")
    await bench.tool(SQL, look=True)
    listed = "/console/servers"
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(listed)
        assert f'href="{HERE}"' in page.html
        assert 'class="bad">1</td>' in page.html
        form = page.form(listed)
        wrong = await ada.post(listed, {**form, "slug": "ops", "connection": "nowhere"})
        assert (wrong.status, 'value="nowhere"' in wrong.html) == (404, True)
        made = await ada.post(listed, {**form, "slug": "ops", "connection": "jit"})
        assert (made.url.path, "Nobody yet." in made.text) == ("/console/slugs/ops", True)
        url = managed_url(bench.at.sandbox.url, SERVER)
        relay = await ada.post(listed, {**form, "slug": "more", "connection": "jit", "url": url})
        assert "As it was pinned." in relay.text
