"""The same sign-in at a certified provider of somebody else's: a second opinion on what the protocol is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from gateways import BASE_URL, served, stage
from people.second import Second, installed, running, through
from people.walk import CALLBACK, Town
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.signin import SignIn
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.anyio
BACK = BASE_URL + CALLBACK


@pytest.fixture
async def town(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> AsyncIterator[tuple[Town, Second]]:
    cache = pytestconfig.cache.mkdir("second-provider") if pytestconfig.cache else tmp_path / "second"
    found = installed(cache)
    if found is None:
        pytest.skip("npm, Node 22 or the oidc-provider package is not installed")
    with running(*found, BACK) as second:
        settings = {"ISSUER": second.issuer, "CLIENT_ID": second.client_id, "CLIENT_SECRET": second.client_secret}
        more = {"SCOPES": "openid profile email groups", "ROLE_MAP": "data-approvers=approver"}
        for name, value in (settings | more).items():
            monkeypatch.setenv(f"SKIPASS_OIDC_{name}", value)
        sandbox.control.reset()
        async with stage(sandbox, tmp_path / "home") as at, served(at) as url:
            yield Town(url, at), second


async def entered(town: Town, browser: Browser, there: aiohttp.ClientSession, login: str, to: str = "") -> Page:
    address, _ = await through(there, await town.leave(browser, to), login, BACK)
    return await town.land(browser, address)


async def test_a_person_signs_in_and_decides(town: tuple[Town, Second]) -> None:
    """Discovery, keys, PKCE, `iss`, ID token and a second password for the decision, as the other side reads them."""
    here, second = town
    held = str((await here.held()).fields["approval"]["id"])
    async with here.browser() as browser, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as there:
        address, forms = await through(there, await here.leave(browser), "boss", BACK)
        assert forms[0] == "login"
        assert parse_qs(urlsplit(address).query)["iss"] == [second.issuer]
        assert "You are signed in as boss" in (await here.land(browser, address)).text
        address, forms = await through(there, await here.leave(browser), "boss", BACK)
        assert "login" not in forms
        await here.land(browser, address)
        address, forms = await through(there, await here.leave(browser, held), "boss", BACK)
        assert forms[0] == "login"
        await here.land(browser, address)
        card = await browser.get(f"/console/approvals/{held}")
        await browser.decide(card, "deny")
    (decided,) = await here.stage.every(Approval, id=held)
    assert decided.state is ApprovalState.DENIED
    assert (await here.person("boss")).claims == {"email": "boss@example.com"}


async def test_an_answer_comes_once_and_from_its_issuer(town: tuple[Town, Second]) -> None:
    """A replay, a lost `iss`, and another's code are refused with a real provider as well."""
    here, second = town
    async with here.browser() as browser, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as there:
        address, _ = await through(there, await here.leave(browser), "boss", BACK)
        without = address.replace(f"&iss={second.issuer.replace(':', '%3A').replace('/', '%2F')}", "")
        assert without != address
        assert "of another issuer" in (await here.land(browser, without)).text
        code = parse_qs(urlsplit(address).query)["code"][0]
        assert (await here.land(browser, address.replace(code, code[::-1]))).status == 502
        assert "You are signed in" in (await here.land(browser, address)).text
        assert (await here.land(browser, address)).status == 502
    assert len(await here.stage.every(SignIn)) == 1


async def test_somebody_without_a_mapped_group_is_turned_away(town: tuple[Town, Second]) -> None:
    """The provider knows them, and there is no role here."""
    here, _ = town
    async with here.browser() as browser, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as there:
        page = await entered(here, browser, there, "temp")
    assert page.status == 403
    assert "no role here" in page.text
