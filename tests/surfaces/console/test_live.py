"""Pages that are followed: what changes shows by itself, to whom it may show, for as long as it may."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from gateways import served
from postgres import Postgres
from replicas import pair
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.approval import Approval
from skipass.nouns.people import User
from skipass.nouns.principal import Role
from skipass.nouns.statement import Statement
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import UPDATE, Browser, House
from surfaces.console.followed import Followed, following, stream_of

pytestmark = pytest.mark.anyio
READ = "SELECT order_id FROM ops.orders WHERE order_id = 1003"
OUTSIDE = "SELECT * FROM finance_db.hr.salaries"


@asynccontextmanager
async def signed_in(house: House, name: str) -> AsyncIterator[Browser]:
    async with house.browser() as browser:
        await browser.sign_in(await house.link(name))
        yield browser


@asynccontextmanager
async def follow(browser: Browser, path: str) -> AsyncIterator[Followed]:
    """Open a page and follow it."""
    async with following(browser, stream_of(await browser.get(path))) as seen:
        yield seen


async def waiting(house: House) -> Approval:
    (found,) = await house.stage.every(Approval, state="waiting")
    assert isinstance(found, Approval)
    return found


async def test_the_overview_follows_what_goes_on(house: House) -> None:
    """A session that opens and a statement that is asked for show on a page that was open before."""
    async with signed_in(house, "ada") as ada:
        page = await ada.get("/console/overview")
        assert "Nothing." in page.text
        async with following(ada, stream_of(page)) as seen:
            session_id = await house.stage.session()
            await seen.until("things", session_id, "reporting-agent for sam on jit", "data-until=")
            await house.stage.query(READ)
            await seen.until("hour", '<rect class="allowed"')


async def test_what_a_page_shows_already_is_not_told_again(house: House) -> None:
    """A stream begins with what changed since the page, or since the last event that the browser heard."""
    await house.stage.session()
    async with signed_in(house, "grace") as grace:
        address = stream_of(await grace.get("/console"))
        async with following(grace, address) as seen:
            await house.stage.query(UPDATE)
            await seen.until("cards", "/console/approvals/")
        async with following(grace, address, **{"last-event-id": seen.last_id}) as again:
            await house.stage.query(UPDATE.replace("seen", "done"))
            name, text = await again.next()
            assert (name, text) == ("count", "2 wait for a decision.")
            assert (await again.next())[1].count("/console/approvals/") == 2


async def test_the_inbox_follows_what_waits_for_each_person(house: House) -> None:
    """A new card appears to who decides and to whom it is for, and goes when it is decided; others hear nothing."""
    admin = await house.stage.principal("admin")
    await house.stage.gateway.people.create(admin, "mallory", [Role.MEMBER])
    async with signed_in(house, "grace") as grace, signed_in(house, "sam") as sam, signed_in(house, "mallory") as other:
        pages = [await one.get("/console") for one in (grace, sam, other)]
        async with (
            following(grace, stream_of(pages[0])) as seen,
            following(sam, stream_of(pages[1])) as own,
            following(other, stream_of(pages[2])) as none,
        ):
            held = await house.held()
            card = f"/console/approvals/{(await waiting(house)).id}"
            await seen.until("cards", card, "(1) What waits")
            await own.until("cards", card)
            await house.stage.decide(held, approve=False)
            assert card not in await seen.until("cards")
            await other.post("/console/sign-out", pages[2].form("/console/sign-out"))
            assert [name for name, _ in await none.rest()] == ["over"]


async def test_a_session_is_told_while_it_happens(house: House) -> None:
    """Statements are appended as they come and changed where they stand; a revoke shows, and the end with it."""
    session_id = await house.stage.session()
    path = f"/console/sessions/{session_id}"
    async with signed_in(house, "sam") as sam:
        page = await sam.get(path)
        async with following(sam, stream_of(page)) as seen:
            await house.stage.query(OUTSIDE)
            first = await seen.until(("timeline", "statements"), "refused")
            assert "hx-swap-oob" not in first
            held = await house.stage.query(UPDATE)
            await seen.until("statements", "waits for a person")
            await house.stage.decide(held)
            changed = await seen.until("statements", "hx-swap-oob", "</strong>", "ran")
            assert "salaries" not in changed
            answered = await sam.post(path, page.form(path))
            assert answered.status == 200
            await seen.until("standing", "closed, revoked")
            await seen.until("end", "Over")


async def test_a_session_that_moved_before_it_was_followed_is_told_whole(house: House) -> None:
    """What happened between the page and its stream is not lost."""
    session_id = await house.stage.session()
    async with signed_in(house, "sam") as sam:
        address = stream_of(await sam.get(f"/console/sessions/{session_id}"))
        await house.stage.query(OUTSIDE)
        async with following(sam, address) as seen:
            assert (await seen.until("timeline")).count("<li id=") == 1


async def test_a_page_that_is_full_leads_on(house: House) -> None:
    """Fifty statements stand on a page, also on one that filled up while it was looked at."""
    session_id = await house.stage.session(ttl_s=600)
    for n in range(49):
        await house.stage.query(f"{OUTSIDE} WHERE id = {n}")
    async with signed_in(house, "sam") as sam, follow(sam, f"/console/sessions/{session_id}") as seen:
        for n in (49, 50):
            await house.stage.query(f"{OUTSIDE} WHERE id = {n}")
        last, beyond = (one.id for one in (await house.stage.every(Statement, session_id=session_id))[-2:])
        await seen.until("end", f"/console/sessions/{session_id}?after={last}")
    told = "".join(text for _, text in seen.heard)
    assert f'<li id="{last}"' in told
    assert f'<li id="{beyond}"' not in told


async def test_a_card_tells_what_another_decided_and_what_came_of_it(house: House) -> None:
    """Who decided and what ran show on an open card; its text and its hash are never sent again."""
    held = await house.held()
    approval = await waiting(house)
    async with signed_in(house, "ada") as ada:
        page = await ada.get(f"/console/approvals/{approval.id}")
        assert page.has_form(f"/console/approvals/{approval.id}")
        async with following(ada, stream_of(page)) as seen:
            await house.stage.decide(held)
            told = await seen.rest()
    assert {name for name, _ in told} == {"decided", "over"}
    assert all("Approved by <strong>grace" in text for name, text in told if name == "decided")
    assert "It ran: 1 row." in told[-2][1]
    assert not [text for _, text in told if approval.intent_hash in text or "UPDATE" in text or "<form" in text]


async def test_a_lost_role_ends_what_it_let_one_see(house: House) -> None:
    """Whoever is an approver no more is told that it is over, and nothing of what changes then."""

    async def demote(unit: UnitOfWork) -> None:
        (person,) = await unit.find(User, name="grace")
        await unit.change(person, roles=(Role.MEMBER,))

    async with signed_in(house, "grace") as grace, follow(grace, "/console/overview") as seen:
        await house.stage.gateway.deps.journal.write(demote)
        session_id = await house.stage.session()
        told = await seen.rest()
    assert told[-1][0] == "over"
    assert not [text for _, text in told if session_id in text]


async def test_one_asks_for_all_who_look(house: House) -> None:
    """Two people who may see the same are answered by one who asks again and again."""
    inbox = type(house.stage.gateway.waiting)
    asked, found = set(), inbox.cards

    async def noted(*arguments: Any, **named: Any) -> Any:
        asked.add(asyncio.current_task())
        return await found(*arguments, **named)

    async with signed_in(house, "ada") as ada, signed_in(house, "grace") as grace:
        pages = [await one.get("/console") for one in (ada, grace)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inbox, "cards", noted)
            async with following(ada, stream_of(pages[0])) as one, following(grace, stream_of(pages[1])) as two:
                await house.held()
                card = f"/console/approvals/{(await waiting(house)).id}"
                await one.until("cards", card)
                await two.until("cards", card)
                assert len(asked) == 1


@pytest.mark.parametrize("path", ["/console/live/overview", "/console/live/sessions/{}", "/console/live/approvals/{}"])
async def test_nobody_follows_what_they_may_not_see(house: House, path: str) -> None:
    """A member without a part in it is answered as on the page itself, and nobody is led to sign in."""
    await house.held()
    approval = await waiting(house)
    address = path.format(approval.session_id if "sessions" in path else approval.id)
    admin = await house.stage.principal("admin")
    await house.stage.gateway.people.create(admin, "mallory", [Role.MEMBER])
    async with signed_in(house, "mallory") as mallory, house.browser() as nobody:
        assert (await mallory.get(address)).status == (403 if "overview" in path else 404)
        assert (await nobody.get(address)).url.path == "/sign-in"


async def test_a_persons_fifth_page_ends_the_first(house: House) -> None:
    """A browser keeps connections for pages: the page that was opened first says that it stopped following."""
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(signed_in(house, "ada"))
        pages = [await stack.enter_async_context(follow(ada, "/console")) for _ in range(5)]
        assert [name for name, _ in await pages[0].rest()] == ["over"]
        await house.held()
        for page in pages[1:]:
            await page.until("cards", "/console/approvals/")


async def test_what_another_gateway_did_shows(
    sandbox: RunningSandbox, tmp_path: Path, postgres: Postgres, shared: str
) -> None:
    """Two gateways on one database: a session asked for at one appears on a page of the other."""
    async with (
        pair(sandbox, tmp_path, postgres.url(shared)) as (here, there),
        served(here) as url,
        signed_in(House(url, here), "ada") as ada,
        follow(ada, "/console/overview") as seen,
    ):
        await seen.until("things", await there.session())


async def test_a_gateway_that_stops_ends_what_goes_on(tmp_path: Path) -> None:
    """At SIGTERM an open stream comes to its proper end, and the process ends without cutting anything off."""
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--sandbox", "--port", "0", "--format", "json"]
    child = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, stdout=-1, stderr=-1
    )
    assert child.stdout is not None
    try:
        line = await child.stdout.readline()
        url, key = orjson.loads(line)["url"], orjson.loads(line)["admin"]["api_key"]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            browser = Browser(url, http)
            asked = {"authorization": f"Bearer {key}"}
            async with http.post(f"{url}/api/v1/users/ada/link", headers=asked) as made:
                link = (await made.json())["token"]
            await browser.sign_in(link)
            async with follow(browser, "/console") as seen:
                child.send_signal(signal.SIGTERM)
                assert await seen.rest() == []
        _, said = await child.communicate()
        assert child.returncode == 0
        assert b"graceful shutdown exceeded" not in said
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
