"""The same contract for every framework, through its own agent loop, against a served gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest

from accounts.walk import Walk
from sdk.conftest import Served
from sdk.loops import LOOPS, Call
from skipass.sdk import Skipass
from skipass.tools.catalogue import CATALOGUE

pytestmark = [
    pytest.mark.anyio,
    # The older executor says of itself that it is old.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:PendingDeprecationWarning"),
]
WISH = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "the weekly report"}
QUERY = "snowflake_execute_query"


async def run(
    framework: str, client: Skipass, script: Sequence[Call], connection: str | None, **how: Any
) -> list[dict[str, Any]]:
    """Have the framework's model make the calls, and return what it was told after each."""
    module, loop = LOOPS[framework]
    get_tools = import_module(module).get_tools
    tools = await asyncio.to_thread(get_tools, connection, client=client, **how)
    return [json.loads(said) for said in await loop(tools, script)]


@pytest.mark.parametrize("framework", LOOPS)
async def test_an_agent_works_as_far_as_its_session_goes(framework: str, at: Served, blocking: Skipass) -> None:
    """Ask for a session, read, be refused outside, have a write held, misspell: each is a result to act on."""
    script: list[Call] = [
        (QUERY, {"statement": "SELECT 1"}),
        ("skipass_request_session", WISH),
        (QUERY, {"statement": "SELECT order_id, status FROM ops.orders WHERE order_id = 1003"}),
        (QUERY, {"statement": "SELECT * FROM ops_db.hr.salaries"}),
        (QUERY, {"statement": "DELETE FROM ops.orders WHERE order_id = 1003"}),
        (QUERY, {"statemnt": "SELECT 1"}),
        (QUERY, {"statement": "SELECT 1", "async": True, "schema": "OPS"}),
    ]
    before, session, rows, outside, held, misspelt, submitted = await run(framework, blocking, script, "jit")
    assert (before["status"], before["request"]["connection"]) == ("session_required", "jit")
    assert (session["status"], session["data"]["state"]) == ("success", "open")
    assert (rows["columns"], rows["rows"][0][0]) == (["ORDER_ID", "STATUS"], "1003")
    assert (outside["status"], outside["code"]) == ("denied", "out_of_scope")
    assert outside["hint"]
    assert held["status"] == "approval_required"
    assert held["approval"]["url"]
    assert (misspelt["status"], misspelt["code"]) == ("failed", "unknown_field")
    assert "statement" in misspelt["message"] + misspelt["hint"]
    assert submitted["status"] in ("running", "success")
    assert at.stage.sent("DELETE") == []


@pytest.mark.parametrize("framework", LOOPS)
async def test_an_account_that_is_not_linked_is_a_result_with_the_link(
    framework: str, at: Served, blocking: Skipass
) -> None:
    """Listing tools works before the user has agreed to anything; calling one says where they do."""
    walk = Walk(at.url, at.stage)
    await walk.by_snowflake()
    with Skipass(base_url=at.url, api_key=await walk.agent(connection="own")) as client:
        (told,) = await run(framework, client, [(QUERY, {"statement": "SELECT 1"})], "own", identifier="sam")
        await asyncio.to_thread(client.close)
    assert told["status"] == "consent_required"
    assert "/connect" in told["url"]


@pytest.mark.parametrize("framework", ["langchain", "anthropic"])
async def test_an_end_user_is_sent_to_a_link_of_the_applications_own(framework: str, at: Served) -> None:
    """A customer who has never been named gets a one-time link with the first call."""
    walk = Walk(at.url, at.stage)
    await walk.by_snowflake()
    key = await walk.agent("shop", end_users=True, return_urls=["https://app.example.com/linked"])
    with Skipass(base_url=at.url, api_key=key) as client:
        (told,) = await run(framework, client, [(QUERY, {"statement": "SELECT 1"})], "own", identifier="customer-7")
        await asyncio.to_thread(client.close)
    assert told["status"] == "consent_required"
    assert "/connect#" in told["url"]


async def test_session_tools_are_there_where_it_is_said_on_what(blocking: Skipass) -> None:
    """Without a connection, or with a session that is open already, the model is not shown how to ask for one."""
    names = [spec.name for spec in CATALOGUE]
    others = [name for name in names if not name.startswith("skipass_")]
    for module in {module for module, _ in LOOPS.values()}:
        get_tools = import_module(module).get_tools
        explicit = await asyncio.to_thread(get_tools, "jit", client=blocking)
        assert [tool.name for tool in explicit] == names
        for given in ({}, {"connection_name": "jit", "session_id": "ses_of_somebody"}):
            found = await asyncio.to_thread(get_tools, **given, client=blocking)
            assert [tool.name for tool in found] == others
