"""Consent on first use: the client's user is asked to open our page, and the same call goes on when they are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from yarl import URL

from accounts.walk import ROLE, Walk
from gateways import Stage, served
from skipass.gateway.servers import OF_CONNECTION
from skipass.nouns.session import AccessSession
from skipass.surfaces.edge.settings import EdgeSettings
from surfaces.mcp.consenting import CAPABILITIES, OPENS_URLS, SCOPE, WISH, asked, connect, retry, send, url_in
from surfaces.mcp.fake import legacy, post

pytestmark = pytest.mark.anyio
COUNT = "SELECT COUNT(*) FROM ops.orders"


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    """Serve a gateway that waits for nobody, with a connection on which nobody has an account yet."""
    at.sandbox.account.sign_in.consents.clear()
    async with served(at, edge=EdgeSettings(wait_s=0.0)) as url:
        walk = Walk(url, at)
        await walk.by_snowflake()
        yield walk


async def test_after_consent_the_same_call_works(walk: Walk) -> None:
    """The user is asked, connects on our page, and the retry of the same call opens the session it asked for."""
    key = await walk.agent()
    question = await asked(walk, key)
    assert dict(URL(url_in(question)).query) == {"connection": "own", "role": ROLE}
    await connect(walk, url_in(question))
    done = (await send(walk, key, retry(WISH, question)))["result"]
    assert done["structuredContent"]["status"] == "success"
    (session,) = await walk.stage.every(AccessSession)
    assert done["structuredContent"]["session_id"] == session.id
    rows = await send(walk, key, {"name": "snowflake_execute_query", "arguments": {"statement": COUNT}})
    assert rows["result"]["structuredContent"]["status"] == "running"  # this gateway waits for nobody


async def test_that_the_user_agreed_to_open_it_is_not_that_it_is_done(walk: Walk) -> None:
    """A retry without an account behind it is asked again, and its new state is as good as the first was."""
    key = await walk.agent()
    question = await asked(walk, key)
    again = (await send(walk, key, retry(WISH, question)))["result"]
    assert again["resultType"] == "input_required"
    assert await walk.stage.every(AccessSession) == []
    await connect(walk, url_in(again))
    assert (await send(walk, key, retry(WISH, again)))["result"]["structuredContent"]["status"] == "success"


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_user_who_says_no_is_told_of(walk: Walk, action: str) -> None:
    """A no is the tool's answer, nothing is run, and it is on record; the account may be there all the same."""
    key = await walk.agent()
    question = await asked(walk, key)
    await connect(walk, url_in(question))
    said = (await send(walk, key, retry(WISH, question, action)))["result"]
    assert said["isError"]
    assert said["structuredContent"]["code"] == "consent_declined"
    assert action in said["content"][0]["text"]
    assert await walk.stage.every(AccessSession) == []
    assert [one.content()["code"] for one in await walk.stage.recorded("statement.refused")][-1] == "consent_declined"


@pytest.mark.parametrize("unclear", [{}, {"inputResponses": {}}, {"inputResponses": {"connect_account": "accept"}}])
async def test_a_retry_without_an_answer_is_asked_again(walk: Walk, unclear: dict[str, Any]) -> None:
    """What is missing is asked for once more; nobody is taken to have agreed or refused."""
    key = await walk.agent()
    question = await asked(walk, key)
    again = await send(walk, key, {**WISH, "requestState": question["requestState"], **unclear})
    assert again["result"]["resultType"] == "input_required"


async def test_an_answer_that_is_no_object_is_a_fault(walk: Walk) -> None:
    """inputResponses of another form, or a state that is no string, is -32602."""
    key = await walk.agent()
    question = await asked(walk, key)
    for wrong in ({**retry(WISH, question), "inputResponses": []}, {**WISH, "requestState": 7}):
        assert (await send(walk, key, wrong))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "capabilities", [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}, {"elicitation": {"url": True}}]
)
async def test_nothing_is_asked_that_was_not_declared(walk: Walk, capabilities: dict[str, Any]) -> None:
    """A client that did not say that it opens URLs gets the address in a tool's answer."""
    result = (await send(walk, await walk.agent(), WISH, capabilities=capabilities))["result"]
    assert result["resultType"] == "complete"
    assert result["isError"]
    told = result["structuredContent"]
    assert told["status"] == "consent_required"
    assert told["url"] in result["content"][0]["text"]


async def test_an_older_client_gets_the_address_as_text(walk: Walk) -> None:
    """A client of the handshake era, whose capabilities nobody remembers, is never asked; what it claims counts not."""
    declared = {"_meta": {CAPABILITIES: OPENS_URLS}, "requestState": "x", "inputResponses": {}}
    headers = {"authorization": f"Bearer {await walk.agent()}", "mcp-protocol-version": "2025-11-25"}
    answer = await post(f"{walk.url}/own/mcp", legacy("tools/call", {**WISH, **declared}), headers)
    told = answer.json()["result"]["structuredContent"]
    assert told["status"] == "consent_required"
    assert told["url"] in answer.json()["result"]["content"][0]["text"]


async def test_a_state_is_good_for_its_own_call_alone(walk: Walk) -> None:
    """Another agent, slug, tool, arguments or method, and a changed text, are refused in one code and on record."""
    key, other = await walk.agent(), await walk.agent("other")
    await walk.gateway.servers.add(await walk.admin(), "beside", "own", OF_CONNECTION)
    question = await asked(walk, key)
    wider = {**WISH, "arguments": {**SCOPE, "ttl_s": 301}}
    show = {"name": "skipass_show_session", "arguments": SCOPE}
    spoilt = question | {"requestState": changed(question["requestState"])}
    mine = retry(WISH, question)
    tries = [
        await send(walk, other, mine),
        await send(walk, key, mine, slug="beside"),
        await send(walk, key, retry(wider, question)),
        await send(walk, key, retry(show, question)),
        await send(walk, key, {**retry({"uri": WISH["name"]}, question)}, method="resources/read"),
        await send(walk, key, retry(WISH, spoilt)),
        *[await send(walk, key, {**mine, "requestState": text}) for text in ("", "x", "ä" * 40, "A" * 1_001, "=" * 40)],
    ]
    assert [one["error"]["code"] for one in tries] == [-32602] * len(tries)
    assert {one["error"]["data"]["code"] for one in tries} == {"invalid_request_state"}
    assert len({one["error"]["message"] for one in tries}) == 1
    assert await walk.stage.every(AccessSession) == []
    refused = [one.content()["code"] for one in await walk.stage.recorded("statement.refused")]
    assert refused.count("invalid_request_state") == len(tries)
    assert (await send(walk, key, mine))["result"]["resultType"] == "input_required"


async def test_a_state_tells_nothing(walk: Walk) -> None:
    """Two states of one call share no text, and none holds the role, the arguments or an id in the open."""
    key = await walk.agent()
    first, second = [(await asked(walk, key))["requestState"] for _ in range(2)]
    assert first[20:] != second[20:]
    for text in (first, second):
        assert not any(word in text for word in (ROLE, "OPS_DB", "agt_", "usr_"))


async def test_another_role_is_asked_for_by_name(walk: Walk) -> None:
    """An account that is there for one role leads to a question for exactly the other one."""
    await walk.by_snowflake("two", allowed_roles=("AGENT_RW_ROLE",))
    key = await walk.agent(connection="two")
    await connect(walk, url_in(await asked(walk, key, slug="two")))
    wider = {**WISH, "arguments": {**SCOPE, "scope": {"schemas": ["OPS_DB.OPS"], "role": "AGENT_RW_ROLE"}}}
    opened = (await send(walk, key, wider, slug="two"))["result"]["structuredContent"]
    query = {"statement": COUNT, "session_id": opened["session_id"]}
    question = await asked(walk, key, {"name": "snowflake_execute_query", "arguments": query}, slug="two")
    assert URL(url_in(question)).query["role"] == "AGENT_RW_ROLE"


async def test_a_resource_waits_for_consent_as_well(walk: Walk) -> None:
    """Reading a table's schema asks the same question; the retry then wants a session, as any call would."""
    key, read = await walk.agent(), {"uri": "skipass://table/OPS_DB/OPS/ORDERS"}
    question = await asked(walk, key, read, method="resources/read")
    declined = await send(walk, key, retry(read, question, "decline"), method="resources/read")
    assert declined["error"]["data"]["code"] == "consent_declined"
    await connect(walk, url_in(question))
    answer = await send(walk, key, retry(read, question), method="resources/read")
    assert answer["error"]["data"]["code"] == "session_required"
    await send(walk, key, WISH)
    told = await send(walk, key, read, method="resources/read", capabilities={})
    assert told["error"]["data"]["code"] == "snowflake_unavailable"  # this gateway waits for nobody


async def test_the_sdk_client_asks_its_user_and_goes_on(at: Stage) -> None:
    """The SDK's client, whose user agrees at once and takes their time on our page, gets its rows from one call."""
    at.sandbox.account.sign_in.consents.clear()
    async with served(at) as url, asyncio.TaskGroup() as people:
        walk = Walk(url, at)
        await walk.by_snowflake()
        key, opened = await walk.agent(), list[str]()

        async def agrees(_: object, params: types.ElicitRequestParams) -> types.ElicitResult:
            assert isinstance(params, types.ElicitRequestURLParams)
            if not opened:
                people.create_task(connect(walk, params.url))
            opened.append(params.url)
            return types.ElicitResult(action="accept")

        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(f"{url}/own/mcp", http_client=http), elicitation_callback=agrees) as client,
        ):
            wished = await client.call_tool("skipass_request_session", SCOPE)
            assert not wished.is_error, wished
            rows = await client.call_tool("snowflake_execute_query", {"statement": COUNT})
        assert opened
        assert rows.structured_content is not None
        assert rows.structured_content["status"] == "success"


def changed(text: str) -> str:
    """Return a text with one character in the middle replaced."""
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
