"""Sessions and one's own access in a real browser: readable anywhere, in the viewer's time, deaf to stored script."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from browser.chrome import Chrome
from browser.test_pages import ENOUGH, SCRIPT, TELEPHONE, signed_in
from surfaces.console.browser import UPDATE, House

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
LONG = f"SELECT '{SCRIPT}{'x' * 2000}', order_id /* \u202e */ FROM finance_db.hr.salaries"


async def lived(house: House) -> str:
    """Return the id of a session with a statement that ran, one that was refused, and one that waits."""
    at = house.stage
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": f"{SCRIPT} {'w' * 300}"}
    session_id = (await at.call("skipass_request_session", wish)).session_id or ""
    for text in ("SELECT COUNT(*) AS n FROM ops.orders -- how many?", LONG, UPDATE):
        await at.query(text)
    return session_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_are_readable_on_a_telephone(
    house: House, chrome: Chrome, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    """Nothing is wider than the window or too pale to read, and what an agent wrote is text."""
    session_id = await lived(house)
    async with chrome.window(width=TELEPHONE, scheme=scheme) as seen:
        await signed_in(house, seen, "sam")
        for path in ("/console/sessions", f"/console/sessions/{session_id}", "/console/access"):
            await seen.page.goto(f"{house.url}{path}")
            await seen.page.screenshot(path=tmp_path / f"{path.rpartition('/')[2][:8]}.png", full_page=True)
            assert await seen.overflow() <= 0
            assert await seen.contrast() >= ENOUGH
            assert await seen.page.evaluate("() => window.ran") is None
            assert await seen.page.locator("main img").count() == 0


async def test_a_session_is_found_and_revoked_by_keyboard(house: House, chrome: Chrome) -> None:
    """From the menu to the list, from the list to the session, and its button: without a mouse, without scripts."""
    await lived(house)
    async with chrome.window(scripts=False) as seen:
        await seen.page.goto(f"{house.url}/sign-in")
        await seen.page.get_by_label("Your one-time link").fill(await house.link("sam"))
        await seen.page.keyboard.press("Enter")
        await seen.page.get_by_role("link", name="Sessions").press("Enter")
        await seen.page.locator("tbody a").first.press("Enter")
        await seen.page.get_by_role("button", name="Revoke it now").press("Enter")
        await seen.page.get_by_text("closed, revoked").first.wait_for()
        assert await seen.page.get_by_role("button", name="Revoke it now").count() == 0


async def test_moments_are_in_the_viewers_time_and_utc_on_hover(house: House, chrome: Chrome) -> None:
    """The script of the page puts a moment into the viewer's own time; its title says UTC."""
    session_id = await lived(house)
    async with chrome.window() as seen:
        await signed_in(house, seen, "sam")
        await seen.page.goto(f"{house.url}/console/sessions/{session_id}")
        moment = seen.page.locator("time").first
        assert (await moment.get_attribute("title") or "").endswith("UTC")
        assert "UTC" not in await moment.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_admins_look_at_is_readable_on_a_telephone(
    house: House, chrome: Chrome, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    """So are the overview with its picture, the lists, the record, and what to paste into a program."""
    await lived(house)
    names = ("overview", "connections", "agents", "people", "servers", "servers/jit", "audit", "policy")
    async with chrome.window(width=TELEPHONE, scheme=scheme) as seen:
        await signed_in(house, seen, "ada")
        for name in names:
            await seen.page.goto(f"{house.url}/console/{name}")
            await seen.page.screenshot(path=tmp_path / f"{name.replace('/', '-')}.png", full_page=True)
            assert await seen.overflow() <= 0, name
            assert await seen.contrast() >= ENOUGH, name
            assert await seen.page.evaluate("() => window.ran") is None
