"""People in the console: added, given a link that is shown once, put into groups, disabled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.people import Life, User
from skipass.nouns.principal import Role
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import form_token
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
HERE = "/console/people"


@pytest.fixture
async def ada(house: House) -> AsyncIterator[Browser]:
    """The browser of the admin, signed in."""
    async with house.browser() as browser:
        await browser.sign_in(await house.link("ada"))
        yield browser


async def person(house: House, name: str) -> User:
    """Return a stored person."""
    (found,) = await house.stage.every(User, name=name)
    assert isinstance(found, User)
    return found


async def pressed(browser: Browser, user_id: str, word: str, group: str = "") -> Page:
    """Press a button of a person's page, which has to be there."""
    page = await browser.get(f"{HERE}/{user_id}")
    (form, *_) = [one for to, one in page._read().forms if to == f"{HERE}/{user_id}" and one["word"] == word]
    return await browser.post(f"{HERE}/{user_id}", {**form, "group": group})


async def test_a_person_is_added_and_signs_in_by_a_link(house: House, ada: Browser) -> None:
    """The link stands in one answer and signs in once; the roles are those that were ticked."""
    form = {"form": (await ada.get(f"{HERE}/new")).form(HERE)["form"], "name": "dana"}
    page = await ada.post(HERE, {**form, "member": "yes", "approver": "yes"})
    dana = await person(house, "dana")
    assert (set(dana.roles), page.url.path) == ({Role.MEMBER, Role.APPROVER}, f"{HERE}/{dana.id}")
    assert "not yet" in page.text
    shown = await pressed(ada, dana.id, "link")
    link = shown.html.partition("<pre")[2].partition(">")[2].partition("<")[0]
    assert link.partition("#")[2] not in (await ada.get(f"{HERE}/{dana.id}")).html
    async with house.browser() as browser:
        assert (await browser.sign_in(link)).status == 200
        assert "dana" in (await browser.get("/console")).text
    async with house.browser() as late:
        assert (await late.sign_in(link)).status >= 400


async def test_what_was_typed_stays_where_it_is_refused(house: House, ada: Browser) -> None:
    """A name with a space, one that is taken, and nobody's role are told, and nobody is added."""
    form, before = (await ada.get(f"{HERE}/new")).form(HERE)["form"], len(await house.stage.every(User))
    for fields, status in (({"name": "d d", "member": "yes"}, 400), ({"name": "sam", "member": "yes"}, 409)):
        page = await ada.post(HERE, {"form": form, **fields})
        assert (page.status, page.form(HERE)["name"]) == (status, fields["name"])
    assert (await ada.post(HERE, {"form": form, "name": "dana"})).status == 400
    assert len(await house.stage.every(User)) == before


async def test_people_are_listed_with_their_groups(house: House, ada: Browser) -> None:
    """Roles, groups, state and the last sign-in are in the list, and each leads to the person's page."""
    sam = await person(house, "sam")
    page = await pressed(ada, sam.id, "put", "on call")
    assert "An admin put them in." in page.text
    listed = await ada.get(HERE)
    for told in ("on call", "admin", "approver", f'href="{HERE}/{sam.id}"', "<time"):
        assert told in listed.html
    await pressed(ada, sam.id, "take", "on call")
    assert "on call" not in (await ada.get(HERE)).text
    assert (await pressed(ada, sam.id, "put", " ")).status == 400


async def test_a_person_is_shown_with_what_is_theirs(house: House, ada: Browser) -> None:
    """Agents that act for them and sessions in their name are there, each with the way to its page."""
    session_id, sam = await house.stage.session(), await person(house, "sam")
    page = await ada.get(f"{HERE}/{sam.id}")
    assert "reporting-agent, their own" in page.text
    for path in (f"/console/sessions/{session_id}", "/console/sessions?user=sam", "/console/agents/agt_"):
        assert f'href="{path}' in page.html


async def test_a_disabled_person_is_out(house: House, ada: Browser) -> None:
    """Their browser is signed out at once, and no link is made for them any more."""
    sam = await person(house, "sam")
    async with house.browser() as browser:
        await browser.sign_in(await house.link("sam"))
        page = await pressed(ada, sam.id, "disable")
        assert ("their tokens do not work" in page.text, (await person(house, "sam")).state) == (True, Life.DISABLED)
        assert 'value="link"' not in page.html
        assert (await browser.get("/console/access")).url.path == "/sign-in"


async def test_who_the_provider_says_somebody_is_can_be_forgotten(house: House, ada: Browser) -> None:
    """The button is there for somebody who is bound, and the page says that they are no longer."""
    sam = await person(house, "sam")

    async def bind(unit: UnitOfWork) -> None:
        at = unit.now - timedelta(days=1)
        await unit.change(await person_in(unit, sam.id), subject="https://idp.example.com|sam", signed_in_at=at)

    await house.stage.gateway.deps.journal.write(bind)
    assert "https://idp.example.com|sam" in (await ada.get(f"{HERE}/{sam.id}")).text
    page = await pressed(ada, sam.id, "unbind")
    assert ("idp.example.com" in page.text, (await person(house, "sam")).subject) == (False, None)


async def person_in(unit: UnitOfWork, user_id: str) -> User:
    found = await unit.get(User, user_id)
    assert found is not None
    return found


async def test_others_look_or_are_turned_away(house: House) -> None:
    """An approver sees a person without a button, a member nothing; what they send is refused."""
    sam = await person(house, "sam")
    path = f"{HERE}/{sam.id}"
    async with house.browser() as grace, house.browser() as own:
        await grace.sign_in(await house.link("grace"))
        page = await grace.get(path)
        assert (page.status, page.has_form(path)) == (200, False)
        await own.sign_in(await house.link("sam"))
        for address in (HERE, path, f"{HERE}/new"):
            assert (await own.get(address)).status == 403
        for browser in (grace, own):
            (cookie,) = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
            for word in ("link", "disable", "unbind", "put"):
                sent = {"form": form_token(Secret(cookie), sam.id), "word": word, "group": "x"}
                assert (await browser.post(path, sent)).status == 403
            made = {"form": form_token(Secret(cookie), "people"), "name": "me2", "admin": "yes"}
            assert (await browser.post(HERE, made)).status == 403
    assert await house.stage.every(User, name="me2") == []
    with pytest.raises(SkipassError):
        await house.stage.gateway.person_details.of(await house.stage.principal("agent"), sam.id)
