"""My access: a person sees what they let in, and takes it back with a button."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.linked import Linked, linked
from gateways import served
from skipass.errors import SkipassError
from skipass.gateway.slug_names import Access
from skipass.sandbox.testing import RunningSandbox
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import form_token
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
HERE = "/console/access"


def buttons(page: Page) -> list[dict[str, str]]:
    """Return the forms of the page that take something back."""
    return [fields for action, fields in page._read().forms if action == HERE]


async def pressed(browser: Browser, page: Page, word: str) -> Page:
    """Press the one button of this kind."""
    (fields,) = [one for one in buttons(page) if one["word"] == word]
    return await browser.post(HERE, fields)


@pytest.fixture
async def home(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[tuple[Linked, House]]:
    """A gateway on which sam has connected an account, and its pages."""
    async with linked(sandbox, tmp_path / "home") as at, served(at.at) as url:
        yield at, House(url, at.at)


async def test_a_person_sees_what_they_let_in(home: tuple[Linked, House]) -> None:
    """Account, login, role, agent and open session are on the page, with the ways to take each back."""
    at, house = home
    session_id = await at.session()
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        page = await sam.get(HERE)
    for told in ("ACTIVE: DANA", "Roles: AGENT_ROLE", "You own it"):
        assert told in page.text
    assert f"/console/sessions/{session_id}" in page.html
    assert {one["word"] for one in buttons(page)} == {"disconnect", "stop"}


async def test_an_account_is_disconnected(home: tuple[Linked, House]) -> None:
    """After the button the account is DISCONNECTED, its session over, and a statement needs consent anew."""
    at, house = home
    session_id = await at.session()
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        after = await pressed(sam, await sam.get(HERE), "disconnect")
    assert "DISCONNECTED" in after.text
    assert session_id not in after.html
    assert (await at.query(arguments={"session_id": session_id})).status.value == "consent_required"


async def test_an_agent_stops_acting_for_a_person(home: tuple[Linked, House]) -> None:
    """After the button the agent acts for them no longer, and what it had open for them is over."""
    at, house = home
    session_id = await at.session()
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        after = await pressed(sam, await sam.get(HERE), "stop")
    assert "None." in after.text
    assert session_id not in after.html
    with pytest.raises(SkipassError, match="acts for"):
        await at.query(arguments={"session_id": session_id})


async def test_what_is_anothers_is_not_there(home: tuple[Linked, House]) -> None:
    """Not even an admin finds another's account here, or ends it from this page."""
    at, house = home
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(HERE)
        assert "DANA" not in page.text
        cookie = next(one.value for one in ada.http.cookie_jar)
        form = form_token(Secret(cookie), "access")
        for word, status in (("disconnect", 404), ("everything", 400)):
            answer = await ada.post(HERE, {"form": form, "word": word, "what": at.account_id})
            assert answer.status == status
        assert (await ada.post(HERE, {"form": "x", "word": "disconnect", "what": at.account_id})).status == 403
    assert (await at.account()).state.value == "ACTIVE"


async def test_a_page_without_a_sign_in_leads_to_one(home: tuple[Linked, House]) -> None:
    """Nobody's browser is sent to the sign-in, and a form of nobody's changes nothing."""
    at, house = home
    async with house.browser() as nobody:
        for path in (HERE, "/console/sessions", "/console/sessions/ses_" + "0" * 26):
            assert (await nobody.get(path)).url.path == "/sign-in"
        assert (await nobody.post(HERE, {"form": "x", "word": "disconnect", "what": at.account_id})).status == 401
    assert (await at.account()).state.value == "ACTIVE"


async def test_a_person_is_told_how_to_set_a_program_up(home: tuple[Linked, House]) -> None:
    """Once an admin lets them in at a slug, its page has each program's configuration; before, there is no page."""
    at, house = home
    admin = await at.at.principal("admin")
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        assert "None lets you in yet." in (await sam.get(HERE)).text
        assert (await sam.get("/console/servers/jit")).status == 404
        await house.stage.gateway.servers.change(admin, "jit", Access(add={"users": ["sam"]}))
        assert 'href="/console/servers/jit"' in (await sam.get(HERE)).html
        page = await sam.get("/console/servers/jit")
        with_key = await sam.get("/console/servers/jit?key=yes")
    for told in ("claude mcp add --transport http jit", "Cursor", "server.json", "/jit/mcp"):
        assert told in page.text
    for link in ("cursor://anysphere.cursor-deeplink/mcp/install", "vscode:mcp/install"):
        assert f'href="{link}' in page.html
    assert "Bearer" not in page.text
    assert "Bearer $SKIPASS_API_KEY" in with_key.text
