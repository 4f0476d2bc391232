"""Signing in with an identity provider in a real browser, across two sites: what cookies and policies let through."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateways import served, stage
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import House

if TYPE_CHECKING:
    from browser.chrome import Chrome, Seen

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
DANA = "dana@example.com"


@pytest.fixture
async def house(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """The gateway is `localhost` and the provider 127.0.0.1: to a browser two sites, as they are in life."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = sandbox.said["idp"]
    settings = {"ISSUER": said["issuer"], "CLIENT_ID": said["client_id"], "CLIENT_SECRET": said["client_secret"]}
    more = {"SCOPES": "openid profile email groups", "ROLE_MAP": "data-approvers=approver", "NAME": "Example"}
    for name, value in (settings | more).items():
        monkeypatch.setenv(f"SKIPASS_OIDC_{name}", value)
    url = f"http://localhost:{port}"
    sandbox.control.reset()
    sandbox.control.provider("person", login=DANA, groups=["data-approvers"])
    async with stage(sandbox, tmp_path / "home", base_url=url) as at, served(at, port):
        yield House(url, at)


async def prove(house: House, seen: Seen) -> None:
    """Fill the provider's form."""
    users = {one["login"]: one["password"] for one in house.stage.sandbox.said["idp"]["users"]}
    await seen.page.locator("input[name=username]").fill(DANA)
    await seen.page.locator("input[name=password]").fill(users[DANA])
    await seen.page.locator("button, input[type=submit]").first.click()


async def test_a_person_signs_in_and_decides(house: House, chrome: Chrome) -> None:
    """The way leads to the provider and back to the card; the next card leads there again, and asks again."""
    held = await house.held()
    card = f"{house.url}/console/approvals/{held.fields['approval']['id']}"
    async with chrome.window(scripts=False) as seen:
        await seen.page.goto(f"{house.url}/sign-in")
        await seen.page.get_by_role("link", name="Sign in with Example").click()
        await prove(house, seen)
        await seen.page.wait_for_url(f"{house.url}/console")
        assert await seen.page.get_by_text(DANA).count() == 1
        await seen.page.goto(card)
        assert await seen.page.get_by_role("button", name="Deny").count() == 0
        await seen.page.get_by_role("link", name="Sign in again with Example").click()
        await prove(house, seen)
        await seen.page.wait_for_url(card)
        await seen.page.get_by_role("button", name="Deny").click()
        await seen.page.get_by_text(f"Denied by {DANA}").wait_for()
