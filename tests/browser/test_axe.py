"""Every page there is, empty and full, light and dark, on a telephone and a screen: what a judge and a ruler find."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.test_pages import signed_in
from gateway.clocked import clocked
from gateways import served
from oauth.program import Quarter
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.connection import Connection
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import House
from surfaces.console.lively import SCRIPT, Lively, lively
from surfaces.console.site import Reach, Seen, route_of, routes, walk

if TYPE_CHECKING:
    from browser.chrome import Chrome
    from browser.chrome import Seen as Window

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
HOUR_S = 3605
CASES = (("full", "admin"), ("full", "sam"), ("empty", "admin"), ("empty", "member"))


@pytest.fixture(scope="module")
async def gateways(
    sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Lively]]:
    """One in which everything has happened, and one with nothing but people in it."""
    homes: Path = tmp_path_factory.mktemp("axe")
    async with lively(sandbox, homes / "full") as full, lively(sandbox, homes / "empty", empty=True) as empty:
        yield {"full": full, "empty": empty}


def chosen(reach: Reach) -> list[str]:
    """Return the addresses to look at: of each route the pages with the most and the least on them."""
    kinds: dict[str, list[Seen]] = {}
    for path, seen in reach.pages.items():
        if seen.headers["content-type"].startswith("text/html"):
            kinds.setdefault(route_of(path, routes("GET")) or path, []).append(seen)
    ends = [pick(pages, key=lambda one: len(one.html)) for pages in kinds.values() for pick in (max, min)]
    return list(dict.fromkeys(one.path for one in ends))


async def entered(window: Window, gateway: Lively, who: str) -> None:
    """Sign the window in, as the form of the sign-in page does."""
    async with gateway.pages.browser() as browser:
        await browser.sign_in(await gateway.pages.link(who))
        kept = [{"name": one.key, "value": one.value, "url": browser.url} for one in browser.http.cookie_jar]
    await window.page.context.add_cookies(kept)  # type: ignore[arg-type]


async def judged(window: Window, addresses: Iterable[str], program: str) -> dict[str, list[str]]:
    from browser.ruler import SCREEN, TALL, faults, keyboard_faults

    found = {}
    for address in addresses:
        await window.page.set_viewport_size({"width": SCREEN, "height": TALL})
        await window.page.goto(address)
        found[address] = [*await keyboard_faults(window), *await faults(window, program), *window.wrong]
        window.wrong.clear()
    return {address: faults for address, faults in found.items() if faults}


@pytest.mark.parametrize(("state", "who"), CASES, ids=[f"{state}-{who}" for state, who in CASES])
async def test_nothing_is_found_on_any_page(
    gateways: dict[str, Lively], chrome: Chrome, program: str, state: str, who: str
) -> None:
    """Neither axe nor a measure of ours, the keyboard or the browser's own console has anything against a page."""
    gateway = gateways[state]
    async with gateway.pages.browser() as browser:
        await browser.sign_in(await gateway.pages.link(who))
        addresses = chosen(await walk(browser))
    async with chrome.window() as window:
        await entered(window, gateway, who)
        assert await judged(window, [f"{gateway.pages.url}{one}" for one in addresses], program) == {}


async def test_nothing_is_found_where_nobody_is_signed_in(
    gateways: dict[str, Lively], chrome: Chrome, program: str
) -> None:
    """Nor has it against the sign-in, a page that is not there, and the first page of a link."""
    url = gateways["empty"].pages.url
    async with chrome.window() as window:
        paths = ("/sign-in", "/connect", "/connect/setup")
        assert await judged(window, [f"{url}{one}" for one in paths], program) == {}


async def test_nothing_is_found_where_consent_is_given(
    gateways: dict[str, Lively], chrome: Chrome, program: str
) -> None:
    """Nor has it against the pages where a person lets a program in, types its code, or connects an account."""
    gateway = gateways["full"]
    asking = await Quarter(gateway.pages.url, gateway.stage).program(client_name=SCRIPT)
    (account,) = await gateway.stage.every(ConnectedAccount)
    (connection,) = await gateway.stage.every(Connection, id=account.connection_id)
    async with chrome.window() as window:
        await entered(window, gateway, "sam")
        paths = (asking.request(), "/oauth/device", f"/connect?connection={connection.name}")
        assert await judged(window, [f"{gateway.pages.url}{one}" for one in paths], program) == {}
        assert await window.page.locator("main form").count() == 1


async def test_nothing_is_found_on_a_card_whatever_became_of_it(
    gateways: dict[str, Lively], chrome: Chrome, program: str
) -> None:
    """Nor has it against a card that waits, was approved, or was denied."""
    gateway = gateways["full"]
    cards = {one.state: one.id for one in await gateway.stage.every(Approval)}
    assert set(cards) >= {ApprovalState.WAITING, ApprovalState.APPROVED, ApprovalState.DENIED}
    async with chrome.window() as window:
        await entered(window, gateway, "approver")
        paths = [f"{gateway.pages.url}/console/approvals/{one}" for one in cards.values()]
        assert await judged(window, paths, program) == {}


async def test_nothing_is_found_on_a_card_that_nobody_decided_in_time(
    sandbox: RunningSandbox, tmp_path: Path, chrome: Chrome, program: str
) -> None:
    """Nor has it against a card that has lapsed, which says so."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}, "ttl_s": 300, "reason": SCRIPT}
    async with clocked(sandbox, tmp_path / "home") as by, served(by.at) as url:
        await by.at.call("skipass_request_session", wish)
        by.pass_(HOUR_S)
        await by.tick()
        (approval,) = await by.at.every(Approval)
        async with chrome.window() as window:
            await signed_in(House(url, by.at), window, "grace")
            assert await judged(window, [f"{url}/console/approvals/{approval.id}"], program) == {}
            assert await window.page.locator("#standing").get_by_text("lapsed").count() == 1
    sandbox.control.reset()
