"""Agents in the console: made, given keys and connections, disabled and let in again; their owners see their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from skipass.errors import SkipassError
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, Life
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.secret import Secret
from skipass.surfaces.edge.cookies import form_token
from surfaces.console.browser import Browser, House, Page

pytestmark = pytest.mark.anyio
HERE = "/console/agents"


@pytest.fixture
async def ada(house: House) -> AsyncIterator[Browser]:
    """The browser of the admin, signed in."""
    async with house.browser() as browser:
        await browser.sign_in(await house.link("ada"))
        yield browser


async def agent(house: House, name: str = "reporting-agent") -> Agent:
    """Return a stored agent."""
    (found,) = await house.stage.every(Agent, name=name)
    assert isinstance(found, Agent)
    return found


async def pressed(browser: Browser, agent_id: str, word: str, **fields: str) -> Page:
    """Press a button of an agent's page, which has to be there."""
    page = await browser.get(f"{HERE}/{agent_id}")
    (form, *_) = [one for to, one in page._read().forms if to == f"{HERE}/{agent_id}" and one["word"] == word]
    return await browser.post(f"{HERE}/{agent_id}", {**form, **fields})


def key_in(page: Page) -> str:
    """Return the key that a page shows."""
    return page.html.partition("export SKIPASS_API_KEY=")[2].partition("<")[0]


async def who_is(house: House, key: str) -> Principal:
    return await house.stage.gateway.authenticator.authenticate(key)


async def test_an_agent_is_made_and_its_key_shown_once(house: House, ada: Browser) -> None:
    """The key stands in that one answer, works, and is on no page afterwards; its prefix is."""
    form = (await ada.get(f"{HERE}/new")).form(HERE)
    made = await ada.post(HERE, {**form, "name": "reports", "owner": "sam", "connection": "jit, snowflake"})
    key = key_in(made)
    assert (await who_is(house, key)).agent_name == "reports"
    assert made.headers["cache-control"] == "no-store"
    assert "It is shown this once." in made.text
    stored = await agent(house, "reports")
    page = await ada.get(f"{HERE}/{stored.id}")
    assert (key in page.html, key.split("_")[1] in page.text) == (False, True)
    assert "No use of it is known." in page.text
    for told in ("sam", "jit", "snowflake"):
        assert told in page.text
    assert f'href="{HERE}/{stored.id}"' in (await ada.get(HERE)).html


async def test_what_was_typed_stays_where_it_is_refused(house: House, ada: Browser) -> None:
    """A connection that nobody has, or a name that is taken, is told, and nothing is made."""
    form = (await ada.get(f"{HERE}/new")).form(HERE)
    before = len(await house.stage.every(Agent))
    for fields, status in (({"name": "a", "connection": "nowhere"}, 404), ({"name": "reporting-agent"}, 409)):
        page = await ada.post(HERE, {**form, **fields})
        assert (page.status, page.form(HERE)["name"]) == (status, fields["name"])
    assert len(await house.stage.every(Agent)) == before


async def test_a_connection_is_given_and_taken(house: House, ada: Browser) -> None:
    """The page offers what the agent has not; taken away, what was open there is over."""
    session_id, stored = await house.stage.session(), await agent(house)
    names = {one.id: one.name for one in await house.stage.every(Connection)}
    page = await pressed(ada, stored.id, "take", what="jit")
    assert page.status == 200
    assert "jit" not in [names[one] for one in (await agent(house)).connections]
    (session,) = await house.stage.every(AccessSession, id=session_id)
    assert session.state is not SessionState.OPEN
    assert '<option value="jit">' in page.html
    await pressed(ada, stored.id, "give", what="jit")
    assert "jit" in [names[one] for one in (await agent(house)).connections]
    assert 'value="give"' not in (await ada.get(f"{HERE}/{stored.id}")).html


async def test_keys_come_and_go(house: House, ada: Browser) -> None:
    """A new key works beside the old one until that is ended; the page says by what and when one was used last."""
    stored, old = await agent(house), house.stage.keys["agent"]["api_key"]
    await house.stage.session()
    new = key_in(await pressed(ada, stored.id, "key"))
    assert (await who_is(house, new)).agent_name == stored.name
    page = await pressed(ada, stored.id, "revoke", what=old.split("_")[1])
    assert "Last used" in page.text
    assert "Ended" in page.text
    with pytest.raises(SkipassError):
        await who_is(house, old)
    assert (await who_is(house, new)).agent_name == stored.name


async def test_an_agent_is_disabled_and_let_in_again(house: House, ada: Browser) -> None:
    """Disabled, it can be given nothing; enabled, its key works as before."""
    stored = await agent(house)
    off = await pressed(ada, stored.id, "disable")
    assert "its keys do not work" in off.text
    assert (await agent(house)).state is Life.DISABLED
    assert 'value="give"' not in off.html
    on = await pressed(ada, stored.id, "enable")
    assert ("Active." in on.text, (await agent(house)).state) == (True, Life.ACTIVE)


async def test_whom_it_acts_for_is_changed(house: House, ada: Browser) -> None:
    """An admin lets it act for somebody else, and takes that back; a name that nobody has is told."""
    stored = await agent(house)
    assert "grace" in (await pressed(ada, stored.id, "let", user="grace")).text
    assert len((await agent(house)).users) == 2
    await pressed(ada, stored.id, "stop", user="grace")
    assert len((await agent(house)).users) == 1
    assert (await pressed(ada, stored.id, "let", user="nobody")).status == 404


async def test_automatic_sessions_are_allowed_again(house: House, ada: Browser) -> None:
    """While an explicit session is open it says so and changes nothing; without one it is on record."""
    stored, session_id = await agent(house), await house.stage.session()
    early = await pressed(ada, stored.id, "automatic", what="jit")
    assert (early.status, "An explicit session of theirs is open." in early.text) == (409, True)
    await house.stage.gateway.ending.revoke(await house.stage.principal("admin"), session_id)
    assert (await pressed(ada, stored.id, "automatic", what="jit")).status == 200
    assert len(await house.stage.recorded("session.automatic_allowed")) == 1


async def test_an_owner_sees_their_own_and_nobody_else_changes_anything(house: House) -> None:
    """Sam sees his agent without a button, grace every agent; what they send at it is refused."""
    stored = await agent(house)
    await house.stage.gateway.agents.create(
        await house.stage.principal("admin"), "of-ada", owner="ada", users=[], connections=["jit"]
    )
    other, path = await agent(house, "of-ada"), f"{HERE}/{stored.id}"
    async with house.browser() as sam, house.browser() as grace:
        await sam.sign_in(await house.link("sam"))
        assert f'href="{path}"' in (await sam.get("/console/access")).html
        assert (await sam.get(f"{HERE}/{other.id}")).status == 404
        assert (await sam.get(HERE)).status == 403
        await grace.sign_in(await house.link("grace"))
        assert (await grace.get(f"{HERE}/new")).status == 403
        for browser in (sam, grace):
            page = await browser.get(path)
            assert (page.status, page.has_form(path)) == (200, False)
            (cookie,) = [one.value for one in browser.http.cookie_jar if one.key == "skipass"]
            for word in ("key", "disable", "take", "stop"):
                sent = {"form": form_token(Secret(cookie), stored.id), "word": word, "what": "jit", "user": "sam"}
                assert (await browser.post(path, sent)).status == 403
            made = {"form": form_token(Secret(cookie), "agents"), "name": "mine"}
            assert (await browser.post(HERE, made)).status == 403
    assert await agent(house) == stored
