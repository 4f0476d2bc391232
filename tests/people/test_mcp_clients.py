"""MCP clients where people sign in with the company's identity provider: through it, back to the question, and on."""

from __future__ import annotations

import pytest

from oauth.program import AUTHORIZE, Program, Quarter, came, pressed
from people.walk import DANA, ERIK, Town

pytestmark = pytest.mark.anyio


async def opened(town: Town, *people: str) -> tuple[Quarter, Program]:
    """Return the same gateway as clients see it, whose slug lets people in, and a client of its own."""
    quarter = Quarter(town.url, town.stage)
    await quarter.open(*people)
    return quarter, await quarter.program()


async def test_the_provider_signs_a_client_in(town: Town) -> None:
    """The whole request comes back from the provider, a long one too, and the token acts for who signed in there."""
    async with town.browser() as first:
        await town.enter(first)
    quarter, editor = await opened(town, DANA)
    async with town.browser() as browser:
        page = await browser.get(editor.request(state="s" * 900))
        assert page.url.path == "/sign-in"
        page = await town.enter(browser, to=page.url.query["to"])
        assert (page.status, page.url.path) == (200, AUTHORIZE)
        assert DANA in page.text
        answer = came(await pressed(browser, page))
    assert answer["state"] == "s" * 900
    status, told = await editor.trade(answer["code"])
    assert status == 200
    assert (await quarter.session(told["access_token"]))["status"] == "success"


async def test_who_is_not_let_in_gets_nothing(town: Town) -> None:
    """A good sign-in at the provider opens no slug by itself."""
    async with town.browser() as first:
        await town.enter(first)
    _, editor = await opened(town, DANA)
    async with town.browser() as browser:
        await town.enter(browser, ERIK)
        assert (await editor.answer(browser))["error"] == "invalid_target"


async def test_a_disabled_person_is_nobody_at_once(town: Town) -> None:
    """An admin disables a person: their clients' tokens stop with the next call, and refresh nothing."""
    async with town.browser() as browser:
        await town.enter(browser)
        quarter, editor = await opened(town, DANA)
        token = await editor.sign_in(browser)
    assert (await quarter.rpc(token))[0] == 200
    await town.gateway.people.disable(await town.stage.principal("admin"), DANA)
    assert (await quarter.rpc(token))[0] == 401
    assert (await editor.refresh())[1]["error"] == "invalid_grant"
