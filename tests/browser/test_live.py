"""Pages that are followed, in a real browser: what changes is put in its place, and nothing else moves."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from browser.chrome import Chrome, Seen
from browser.test_pages import approval, signed_in
from surfaces.console.browser import UPDATE, House

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
READ = "SELECT order_id FROM ops.orders WHERE order_id = 1003"
OUTSIDE = "SELECT * FROM finance_db.hr.salaries"


async def named(seen: Seen, start: str) -> None:
    """Wait until the window's name begins like this."""
    await expect(seen.page).to_have_title(re.compile(f"^{re.escape(start)}"), timeout=30_000)


async def test_the_overview_moves_by_itself(house: House, chrome: Chrome) -> None:
    """A session appears with its time counting down, and the picture of the hour with the first statement."""
    async with chrome.window() as seen:
        await signed_in(house, seen, "ada")
        await seen.page.goto(f"{house.url}/console/overview")
        await seen.page.get_by_text("No statement was asked for.").wait_for()
        session_id = await house.stage.session()
        await seen.page.locator(f'a[href="/console/sessions/{session_id}"]').wait_for()
        await seen.page.get_by_text(" left", exact=False).first.wait_for()
        await house.stage.query(READ)
        await seen.page.locator("svg rect.allowed").wait_for()


async def test_the_inbox_moves_by_itself_and_by_letters(house: House, chrome: Chrome) -> None:
    """Cards come and go, the window's name counts them, j and k move the focus, Enter opens; a reader hears it."""
    async with chrome.window() as seen:
        await signed_in(house, seen, "grace")
        await seen.page.get_by_text("Nothing waits for a decision.").wait_for()
        first = await house.held()
        await named(seen, "(1) ")
        second = await house.stage.query(UPDATE.replace("seen", "done"))
        await named(seen, "(2) ")
        assert await seen.page.get_by_role("status").get_by_text("2 wait for a decision.").count() == 1
        focused = []
        for letter in "jjk":
            await seen.page.keyboard.press(letter)
            focused.append(await seen.focused())
        assert focused == [approval(second), approval(first), approval(second)]
        await seen.page.get_by_text("Statement of reporting-agent for sam on jit").first.wait_for()
        await seen.page.get_by_role("button", name="Turn letter keys off").click()
        await seen.page.locator("[data-step]").first.focus()
        await seen.page.keyboard.press("j")
        assert await seen.focused() == approval(second)
        await seen.page.get_by_role("button", name="Turn letter keys on").click()
        await seen.page.locator("[data-step]").first.focus()
        await house.stage.decide(first, approve=False)
        await named(seen, "(1) ")
        assert await seen.focused() == approval(second)
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url(f"**/console/approvals/{approval(second)}")


async def test_a_session_moves_while_it_is_looked_at(house: House, chrome: Chrome) -> None:
    """Statements are appended, one that waited changes in its place, and a revoke ends the page where it is."""
    session_id = await house.stage.session()
    async with chrome.window() as seen:
        await signed_in(house, seen, "sam")
        await seen.page.goto(f"{house.url}/console/sessions/{session_id}")
        await house.stage.query(OUTSIDE)
        held = await house.stage.query(UPDATE)
        await seen.page.get_by_text("waits for a person").wait_for()
        assert await seen.page.locator(".timeline > li[id]").count() == 2
        await house.stage.decide(held)
        await seen.page.locator(".timeline > li[id]", has_text="ran:").wait_for()
        assert await seen.page.locator(".timeline > li[id]").count() == 2
        await house.stage.gateway.ending.revoke(await house.stage.principal("admin"), session_id)
        await seen.page.get_by_text("Over: closed, revoked").wait_for()
        assert await seen.page.get_by_role("button", name="Revoke it now").count() == 0


async def test_an_open_card_says_what_another_decided(house: House, chrome: Chrome) -> None:
    """The buttons go dead and the word of the other stands there; what was typed and the text stay untouched."""
    held = await house.held()
    async with chrome.window() as seen:
        await signed_in(house, seen, "grace", approval(held))
        await seen.page.keyboard.press("a")
        assert await seen.focused() == "approve"
        await seen.page.keyboard.press("d")
        assert await seen.focused() == "deny"
        await seen.page.get_by_label("Why").fill("a and d are letters here")
        text = await seen.page.locator("pre").first.inner_text()
        await house.stage.decide(held, approve=False)
        await seen.page.get_by_role("status").get_by_text("Denied by grace").wait_for()
        assert await seen.page.get_by_role("button", name="Approve").is_disabled()
        assert await seen.page.get_by_label("Why").input_value() == "a and d are letters here"
        assert await seen.page.locator("pre").first.inner_text() == text


async def test_the_outcome_appears_where_it_was_decided(house: House, chrome: Chrome) -> None:
    """After the decision the card says who approved, and then what ran, without being opened again."""
    held = await house.held()
    async with chrome.window() as seen:
        await signed_in(house, seen, "grace", approval(held))
        await seen.page.keyboard.press("a")
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_role("status").get_by_text("Approved by grace").wait_for()
        await seen.page.get_by_role("status").get_by_text("It ran: 1 row.").wait_for()
        assert await seen.page.get_by_role("button", name="Approve").count() == 0


async def test_a_page_whose_sign_in_ended_says_so(house: House, chrome: Chrome) -> None:
    """What was followed stops with the sign-in, says why, and asks no more."""
    async with chrome.window() as seen:
        await signed_in(house, seen, "ada")
        await seen.page.get_by_text("Nothing waits for a decision.").wait_for()
        (cookie,) = await seen.page.context.cookies()
        ada = await house.stage.gateway.sign_ins.principal(str(cookie["value"]))
        await house.stage.gateway.sign_ins.end(ada)
        await seen.page.get_by_text("This page stopped following").wait_for()
