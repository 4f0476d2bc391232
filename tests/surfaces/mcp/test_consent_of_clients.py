"""A person's own MCP client: signed in to us first, asked for Snowflake at the first call, and then at work as them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from accounts.walk import Walk
from gateways import BASE_URL, Stage, served
from oauth.program import Program, Quarter
from skipass.gateway.resource_uris import record_uri
from skipass.nouns.account import ConnectedAccount
from surfaces.console.browser import Browser
from surfaces.mcp.consenting import WISH, asked, retry, send, url_in

pytestmark = pytest.mark.anyio
COUNT = {"name": "snowflake_execute_query", "arguments": {"statement": "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS"}}


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    """Serve a gateway whose slug `own` lets sam in by any client, over a connection without an account."""
    at.sandbox.account.sign_in.consents.clear()
    async with served(at) as url:
        walk = Walk(url, at)
        await walk.by_snowflake()
        await Quarter(url, at).open("sam", slug="own")
        yield walk


async def editor(walk: Walk, browser: Browser, **bent: str) -> tuple[Program, str]:
    """Return a client that sam has let in at the slug, and its token."""
    quarter = Quarter(walk.url, walk.stage)
    program = await quarter.program()
    return program, await program.sign_in(browser, resource=quarter.resource("own"), **bent)


async def test_one_address_is_all_that_a_person_needs(walk: Walk) -> None:
    """Sign in, be asked for Snowflake at the first call, agree in the same browser: the call goes on, as them."""
    async with walk.signed_in("sam") as sam:
        program, token = await editor(walk, sam)
        question = await asked(walk, token)
        page = await sam.get(url_in(question).removeprefix(BASE_URL))
        assert "sam" in page.text
        done = await walk.land(sam, await walk.agree(await walk.press(sam, page)))
        assert "Connected" in done.text
        status, told = await program.refresh()
        assert status == 200
        opened = (await send(walk, told["access_token"], retry(WISH, question)))["result"]
        assert opened["structuredContent"]["status"] == "success"
        rows = (await send(walk, told["access_token"], COUNT))["result"]["structuredContent"]
    assert rows["status"] == "success"
    assert {call["user"] for call in walk.stage.sent("COUNT(*) FROM OPS_DB.OPS.ORDERS")} == {"DANA"}


async def test_a_person_is_asked_again_when_snowflake_takes_no_more(walk: Walk) -> None:
    """A call whose account ends brings the question; agreed anew it wants a session, as the old one ended."""
    async with walk.signed_in("sam") as sam:
        _, token = await editor(walk, sam)
        await connected(walk, sam, url_in(await asked(walk, token)))
        await send(walk, token, WISH)
        walk.stage.sandbox.control.tokens("revoke", user="DANA")
        question = await asked(walk, token, COUNT)
        await connected(walk, sam, url_in(question))
        again = (await send(walk, token, retry(COUNT, question)))["result"]["structuredContent"]
        assert again["status"] == "session_required"
        await send(walk, token, WISH)
        rows = (await send(walk, token, COUNT))["result"]["structuredContent"]
    assert rows["status"] == "success", rows


async def connected(walk: Walk, browser: Browser, address: str) -> None:
    """Open an address in a browser that is signed in with us, and connect the account there."""
    page = await browser.get(address.removeprefix(BASE_URL))
    done = await walk.land(browser, await walk.agree(await walk.press(browser, page)))
    assert "Connected" in done.text


async def test_the_question_of_one_client_is_not_that_of_another(walk: Walk) -> None:
    """Two clients of one person are two agents: what one of them was asked is nothing in the hands of the other."""
    async with walk.signed_in("sam") as sam:
        (_, one), (_, two) = await editor(walk, sam), await editor(walk, sam)
        question = await asked(walk, one)
        refused = await send(walk, two, retry(WISH, question, "decline"))
        assert refused["error"]["data"]["code"] == "invalid_request_state"


async def test_somebody_else_who_opens_the_address_connects_nothing_of_sams(walk: Walk) -> None:
    """The address signs nobody in and is for nobody's account but that of whoever opens it."""
    async with walk.signed_in("sam") as sam, walk.signed_in("grace") as grace:
        _, token = await editor(walk, sam)
        question = await asked(walk, token)
        page = await grace.get(url_in(question).removeprefix(BASE_URL))
        await walk.land(grace, await walk.agree(await walk.press(grace, page)))
        owners = {one.user_id for one in await walk.stage.every(ConnectedAccount)}
        assert owners == {(await Quarter(walk.url, walk.stage).who("grace")).id}
        body = await send(walk, token, WISH, capabilities={})
        assert body["result"]["structuredContent"]["status"] == "consent_required"


async def test_a_record_needs_the_scope_that_looking_needs(walk: Walk) -> None:
    """A token that may only ask for sessions reads no record and lists none; the challenge names what is missing."""
    async with walk.signed_in("sam") as sam:
        _, token = await editor(walk, sam, scope="sessions:request")
        status, headers, _ = await Quarter(walk.url, walk.stage).rpc(
            token, "resources/read", "own", uri=record_uri("ses_1")
        )
        assert (status, 'scope="tools:read sessions:request"' in headers["www-authenticate"]) == (403, True)
        status, _, _ = await Quarter(walk.url, walk.stage).rpc(token, "resources/list", "own")
        assert status == 403
