"""Sessions as people look at them: their own or everybody's, from request to close, and cut by a button."""

from __future__ import annotations

import json

import pytest

from gateways import Stage
from skipass.nouns.approval import Approval
from skipass.nouns.principal import Role
from skipass.nouns.session import AccessSession
from surfaces.console.browser import UPDATE, House

pytestmark = pytest.mark.anyio
READ = "SELECT order_id FROM ops.orders WHERE order_id = 1003"
OUTSIDE = "SELECT * FROM finance_db.hr.salaries -- \u202eseen"


async def lived(at: Stage) -> str:
    """Return the id of an open session in which one statement ran, one was refused and one waits."""
    session_id = await at.session()
    assert (await at.query(READ)).status.value == "success"
    assert (await at.query(OUTSIDE)).status.value == "denied"
    assert (await at.query(UPDATE)).status.value == "approval_required"
    return session_id


async def member(house: House, name: str) -> None:
    await house.stage.gateway.people.create(await house.stage.principal("admin"), name, [Role.MEMBER])


async def test_a_session_is_told_from_request_to_close(house: House) -> None:
    """Request, decision, every statement with its outcome and reasons, and the end stand on one page, in order."""
    session_id, gateway = await lived(house.stage), house.stage.gateway
    (held,) = await house.stage.every(Approval)
    approver = await house.stage.principal("approver")
    await gateway.approvals.decide(approver, held.id, approve=False, reason="not today")
    await gateway.ending.close(await house.stage.principal("agent"), session_id)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        page = await ada.get(f"/console/sessions/{session_id}")
    told = page.text
    order = ["closed, released", "Asked for", "Opened", "ran", "refused", "grace denied: not today", "Over: closed"]
    assert sorted(order, key=told.index) == order
    assert "⟨U+202E⟩seen" in told
    assert "\u202e" not in page.html
    assert "OPS_DB.OPS.ORDERS" in told
    assert not page.has_form(f"/console/sessions/{session_id}")


async def test_a_session_is_revoked_by_its_button(house: House) -> None:
    """The user acted for presses the button: the session is over, and the next statement is refused."""
    session_id = await lived(house.stage)
    async with house.browser() as sam:
        await sam.sign_in(await house.link("sam"))
        page = await sam.get(f"/console/sessions/{session_id}")
        after = await sam.post(page.url.path, page.form(page.url.path))
    assert "closed, revoked" in after.text
    assert (await house.stage.query(READ, arguments={"session_id": session_id})).status.value != "success"


async def test_a_foreign_form_revokes_nothing(house: House) -> None:
    """A form of another session, of another purpose, or from another site leaves the session open."""
    session_id, other = await house.stage.session(), await house.stage.session()
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        path = f"/console/sessions/{session_id}"
        wrong = (await ada.get(f"/console/sessions/{other}")).form(f"/console/sessions/{other}")
        right = (await ada.get(path)).form(path)
        assert (await ada.post(path, wrong)).status == 403
        assert (await ada.post(path, {"form": ""})).status == 403
        assert (await ada.post(path, right, origin="https://evil.example")).status == 403
    assert (await one(house, session_id)).state.value == "open"


async def test_a_member_finds_their_own_sessions_alone(house: House) -> None:
    """Whoever is neither asked for nor looks at everything has an empty list, and finds no session by its address."""
    session_id = await lived(house.stage)
    await member(house, "mallory")
    async with house.browser() as mallory:
        await mallory.sign_in(await house.link("mallory"))
        listed = await mallory.get("/console/sessions?user=sam")
        assert session_id not in listed.html
        assert session_id not in (await mallory.get("/console/sessions")).html
        for path in (f"/console/sessions/{session_id}", f"/console/records/{session_id}"):
            found = await mallory.get(path)
            assert found.status == 404
            assert "orders" not in found.html.lower()
        assert "Policy" not in listed.text


async def test_sessions_are_found_by_name_and_state_page_by_page(house: House) -> None:
    """Names and states narrow the list, unknown ones empty it, and older sessions come on the next page."""
    made = [await house.stage.session() for _ in range(51)]
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        first = await ada.get("/console/sessions?state=open&connection=jit")
        assert [one for one in made if one in first.html] == made[1:]
        older = next(part for part in first.html.split('"') if "after=" in part).replace("&amp;", "&")
        assert [one for one in made if one in (await ada.get(older)).html] == made[:1]
        for query in ("state=denied", "agent=nobody", "connection=' OR 1=1"):
            assert "No session fits" in (await ada.get(f"/console/sessions?{query}")).text
        assert (await ada.get("/console/sessions?state=lost")).status == 400


async def test_the_whole_record_is_a_file(house: House) -> None:
    """What a session left is sent as a file to keep, the same that the API answers."""
    session_id = await lived(house.stage)
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        file = await ada.get(f"/console/records/{session_id}")
    assert file.headers["content-disposition"] == f'attachment; filename="{session_id}.json"'
    record = json.loads(file.html)
    assert [one["text"] for one in record["statements"]] == [READ, OUTSIDE, UPDATE]


async def test_a_long_session_and_a_long_text_are_shown_in_parts(house: House) -> None:
    """A page holds fifty statements and the first 20,000 characters of each, and says what comes next."""
    session_id = await house.stage.session(ttl_s=600)
    await house.stage.query("SELECT '" + "x" * 30_000 + "' FROM ops.orders")
    for n in range(50):
        await house.stage.query(f"SELECT {n} FROM finance_db.hr.salaries")
    async with house.browser() as ada:
        await ada.sign_in(await house.link("ada"))
        first = await ada.get(f"/console/sessions/{session_id}")
        assert "more characters; the record has all of them" in first.text
        assert len(first.html) < 100_000
        following = next(part for part in first.html.split('"') if "?after=" in part)
        rest = await ada.get(following)
    assert "SELECT 49 FROM" not in first.text
    assert "SELECT 49 FROM" in rest.text
    assert "Asked for" not in rest.text


async def one(house: House, session_id: str) -> AccessSession:
    (found,) = await house.stage.every(AccessSession, id=session_id)
    assert isinstance(found, AccessSession)
    return found


async def test_a_sign_in_leads_to_the_page_that_was_asked_for(house: House) -> None:
    """Whoever asks for a session or a list and is not signed in gets there by signing in, and nowhere else."""
    session_id = await house.stage.session()
    for path, shown in ((f"/console/sessions/{session_id}", "Access session"), ("/console/overview", "Open sessions")):
        async with house.browser() as ada:
            entrance = await ada.get(path)
            assert entrance.url.path == "/sign-in"
            link = await house.link("ada")
            there = await ada.post("/sign-in", {**entrance.form("/sign-in"), "link": link})
            assert there.url.path == path
            assert shown in there.text
    async with house.browser() as ada:
        assert (await ada.sign_in(await house.link("ada"), "//evil.example/console")).url.path == "/console"
