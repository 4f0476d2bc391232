"""Handing in: a person opens the page of a connection that takes keys or tokens, and gives theirs, once it works."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from accounts.walk import RETURN, ROLE, Walk
from gateway.test_secrets import kept, leaks, logs
from sandbox.client import Client
from skipass.errors import SkipassError
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.uploading import Brought
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import ConnectedAccount, LinkState
from skipass.nouns.connection import AuthMethod
from skipass.secret import Secret
from skipass.surfaces.edge.forms import MAX_BYTES
from skipass.vault.seal import unseal
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.anyio
__all__ = ["logs"]
PAGE, FORM = "/connect?connection=own", "/connect/hand-in"


async def connection(walk: Walk, method: AuthMethod = AuthMethod.KEY_PAIR, **how: Any) -> None:
    """Register a connection to which every user brings their own, and an agent of sam's on it."""
    place = {"warehouse": "AGENT_WH", "database": "OPS_DB", "schema": "OPS"}
    given = {"account": "SKIPASS-SANDBOX", "host": walk.stage.sandbox.url, "role": ROLE, "per_user": True, **place}
    request = ConnectionRequest(name="own", auth_method=method, **{**given, **how})
    await walk.gateway.connections.add(await walk.admin(), request)


def key(walk: Walk, user: str = "DANA") -> dict[str, str]:
    """Return what a user types: login and key."""
    file = walk.stage.sandbox.user(user)
    return {"login": file.login_name, "private_key": file.private_key_path.read_text()}


def token(walk: Walk, user: str = "DANA") -> dict[str, str]:
    """Make a user's programmatic access token and return it."""
    root = Client.of(walk.stage.sandbox, "ADMIN")
    root.sql(f"alter user {user} remove pat handed")
    reply = root.sql(
        f"alter user {user} add pat handed role_restriction = '{ROLE}' mins_to_bypass_network_policy_requirement = 60"
    )
    assert reply.rows, reply.body
    return {"token": str(reply.rows[0][1])}


async def give(browser: Browser, page: Page, **typed: str) -> Page:
    assert page.status == 200, page.text
    return await browser.post(FORM, {**page.form(FORM), **typed})


async def account(walk: Walk) -> ConnectedAccount:
    found: ConnectedAccount = await walk.one(ConnectedAccount)
    return found


async def test_a_pasted_key_connects_the_account(walk: Walk, logs: Any) -> None:
    """The page says for whom, which role and agents; the key is sealed once it signed in, and is told nowhere."""
    await connection(walk)
    agent = await walk.agent()
    typed = key(walk)
    async with walk.signed_in() as sam:
        page = await sam.get(PAGE)
        for named in ("SKIPASS-SANDBOX", ROLE, "bot, owned by sam"):
            assert named in page.text
        done = await give(sam, page, **typed)
    assert (done.status, "Connected" in done.text) == (200, True)
    mine = await account(walk)
    assert (mine.state.value, mine.login) == ("ACTIVE", typed["login"].upper())
    assert len(await walk.query(agent)) == 1
    (credential,) = await walk.usable()
    lines = [one.strip() for one in typed["private_key"].splitlines() if not one.startswith("-----")]
    told = (done.html + page.html + logs()).encode() + kept(walk.stage)
    assert leaks(told, *lines, typed["private_key"]) == []
    assert unseal(walk.gateway.deps.kek, credential.sealed, credential_place(credential))


async def test_a_link_takes_a_token_once(walk: Walk) -> None:
    """A one-time link leads to the same page; it is used up when the token was taken, and by nothing else."""
    await connection(walk, AuthMethod.PAT)
    link = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        page = await sam.post("/connect", {"link": link, "word": "open"})
        refused = await give(sam, page, token="no-such-token")
        assert refused.status == 422
        assert "did not take the new credential" in refused.text
        assert [one.state for one in await walk.attempts()] == [LinkState.MADE]
        done = await give(sam, page, **token(walk))
        assert (done.status, "Connected" in done.text) == (200, True)
        again = await give(sam, page, **token(walk))
        assert again.status == 401
        assert (await sam.post("/connect", {"link": link, "word": "open"})).status == again.status
    assert [one.state for one in await walk.attempts()] == [LinkState.FINISHED]
    assert len(await walk.usable()) == 1


async def test_of_two_that_come_at_once_by_a_link_one_is_taken(walk: Walk) -> None:
    """Both sign in, and the link is used up by the first alone: there is one credential."""
    await connection(walk)
    link = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        page = await sam.post("/connect", {"link": link, "word": "open"})
        answers = await asyncio.gather(*(give(sam, page, **key(walk)) for _ in range(3)))
    assert [one.status for one in answers].count(200) == 1
    assert len(await walk.every_credential()) == 1
    assert [one.state for one in await walk.attempts()] == [LinkState.FINISHED]


async def test_what_was_disabled_meanwhile_is_not_connected(walk: Walk) -> None:
    """A connection that an admin closes while the page is open takes nothing any more, and nothing is sent."""
    await connection(walk)
    async with walk.signed_in() as sam:
        page = await sam.get(PAGE)
        await walk.gateway.connections.disable(await walk.admin(), "own")
        before = len(walk.stage.sandbox.control.calls())
        assert (await give(sam, page, **key(walk))).status >= 400
        assert len(walk.stage.sandbox.control.calls()) == before
    assert await walk.every_credential() == []


async def test_what_does_not_work_is_not_kept_and_not_shown(walk: Walk) -> None:
    """A key of somebody else, no key at all, or both: the page says what is wrong, over an empty form."""
    await connection(walk)
    dana, erik = key(walk), key(walk, "ERIK")
    wrong = [
        {**dana, "private_key": erik["private_key"]},
        {**dana, "private_key": "-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----"},
        {**dana, "private_key": ""},
        {**dana, "login": ""},
        {**dana, "token": "hunter22"},
    ]
    async with walk.signed_in() as sam:
        page = await sam.get(PAGE)
        for typed in wrong:
            answer = await give(sam, page, **typed)
            assert answer.status == 422, answer.text
            assert answer.has_form(FORM)
            assert "hunter22" not in answer.html
            assert typed["private_key"][40:80] not in answer.html or not typed["private_key"]
        huge = await give(sam, page, **{**dana, "private_key": "A" * MAX_BYTES})
        assert huge.status in (400, 413)
        assert await walk.every_credential() == []
        assert (await account(walk)).state.value == "PENDING_AUTH"
        assert "Connected" in (await give(sam, await sam.get(PAGE), **dana)).text


async def test_a_form_that_is_not_ours_is_refused(walk: Walk) -> None:
    """Without a sign-in, from another site, of another sign-in or connection: nothing is asked of Snowflake."""
    await connection(walk)
    typed = key(walk)
    async with walk.signed_in() as sam, walk.signed_in("grace") as grace, walk.browser() as nobody:
        page, theirs = await sam.get(PAGE), await grace.get(PAGE)
        before = len(walk.stage.sandbox.control.calls())
        assert (await nobody.post(FORM, {**page.form(FORM), **typed})).status == 401
        assert (await sam.post(FORM, {**page.form(FORM), **typed}, origin="https://evil.example.com")).status == 403
        assert (await sam.post(FORM, {**theirs.form(FORM), **typed})).status == 403
        assert (await sam.post(FORM, {**page.form(FORM), **typed, "connection": "other"})).status == 403
        assert (await sam.post(FORM, {**page.form(FORM), **typed, "form": ""})).status == 403
        assert len(walk.stage.sandbox.control.calls()) == before
    assert await walk.stage.every(ConnectedAccount) == []


async def test_nobody_hands_in_for_somebody_else(walk: Walk) -> None:
    """A link of another person opens nothing, neither its page nor its form."""
    await connection(walk)
    link = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam, walk.signed_in("grace") as grace:
        page = await sam.post("/connect", {"link": link, "word": "open"})
        assert (await grace.post("/connect", {"link": link, "word": "open"})).status == 403
        mine = (await grace.get(PAGE)).form(FORM)
        refused = await grace.post(FORM, {**mine, **key(walk), "link": page.form(FORM)["link"]})
        assert refused.status == 403
    assert await walk.every_credential() == []


async def test_another_login_than_before_is_refused(walk: Walk) -> None:
    """The account stays that of the login that connected it, also where a key of another one works."""
    await connection(walk)
    async with walk.signed_in() as sam:
        await give(sam, await sam.get(PAGE), **key(walk))
        refused = await give(sam, await sam.get(PAGE), **key(walk, "ERIK"))
    assert (refused.status, "Connected" in refused.text) == (422, False)
    assert (await account(walk)).login == key(walk)["login"].upper()


async def test_a_connection_by_sign_in_has_no_such_form(walk: Walk) -> None:
    """Its page leads to the sign-in, and a form for a key is refused where nobody asked for one."""
    await walk.by_snowflake()
    async with walk.signed_in() as sam:
        assert not (await sam.get(PAGE)).has_form(FORM)
        sign_in = await walk.gateway.sign_ins.principal(next(one.value for one in sam.http.cookie_jar))
        with pytest.raises(SkipassError) as refused:
            await walk.gateway.uploading.hand_in(sign_in, Brought(token=Secret("x")), connection="own")
    assert (refused.value.code, await walk.every_credential()) == ("invalid_request", [])


async def test_an_application_s_end_user_hands_in_nothing(walk: Walk) -> None:
    """They link by signing in: for them no link to such a page is made."""
    await connection(walk)
    key_ = await walk.agent("app", end_users=True, return_urls=[RETURN])
    principal = await walk.of(key_, "customer-1")
    with pytest.raises(SkipassError) as refused:
        await walk.invite(principal)
    assert refused.value.code == "invalid_request"
    assert await walk.attempts() == []


async def test_there_is_no_sign_in_to_leave_for(walk: Walk) -> None:
    """The button of another page sends nobody anywhere, and uses no link up."""
    await connection(walk)
    link = await walk.invite(await walk.of(await walk.agent()))
    async with walk.signed_in() as sam:
        principal = await walk.gateway.sign_ins.principal(next(one.value for one in sam.http.cookie_jar))
    with pytest.raises(SkipassError) as refused:
        await walk.gateway.linking.depart(link, principal)
    assert refused.value.code == "invalid_request"
    assert [one.state for one in await walk.attempts()] == [LinkState.MADE]
