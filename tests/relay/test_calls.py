"""Calls of relayed tools: the same way as every statement, with the session's role, budgets and record."""

from __future__ import annotations

import json

import pytest

from relay.bench import ANALYST, SEARCH, SLUG, SQL, Bench
from skipass.errors import SkipassError
from skipass.nouns.session import AccessSession

pytestmark = pytest.mark.anyio
COUNT = "SELECT COUNT(*) AS N FROM OPS_DB.OPS.ORDERS"


async def test_its_tools_stand_beside_our_own(bench: Bench) -> None:
    """A relay lists the session's tools and the upstream's, and none of the built-in Snowflake tools that run."""
    names = await bench.names()
    assert names[-3:] == [ANALYST, SQL, SEARCH]
    assert {"skipass_request_session", "skipass_close_session", "snowflake_get_query_status"} < set(names)
    assert "snowflake_execute_query" not in names


async def test_without_a_session_the_smallest_request_is_told(bench: Bench) -> None:
    """A call without a session is refused with the request that would do, and nothing reaches the tool."""
    refused = await bench.call(SQL, {"sql": COUNT})
    assert refused.status.value == "session_required"
    assert refused.fields["request"]["scope"]["schemas"] == ["OPS_DB.OPS"]
    searched = await bench.call(SEARCH, {"query": "refund"})
    assert searched.fields["request"]["scope"]["schemas"] == ["OPS_DB.OPS"]
    assert bench.called(SQL) == bench.called(SEARCH) == []


async def test_a_query_runs_with_its_own_mark_and_is_on_record(bench: Bench) -> None:
    """SQL through the relay is judged, marked with its statement's id, run once and recorded with its rows."""
    session = await bench.opened()
    answer = await bench.call(SQL, {"sql": "select count(*) as n from orders;"})
    assert answer.status.value == "success", answer
    (statement,) = await bench.statements(SQL)
    assert (statement.session_id, statement.state.value, statement.result_rows) == (session, "succeeded", 1)
    assert statement.reads == ("OPS_DB.OPS.ORDERS",)
    (sent,) = bench.called(SQL)
    assert sent["statement"].endswith(f"/* skipass:{statement.id} */")
    assert "OPS_DB.OPS.ORDERS" in sent["statement"].upper()
    assert answer.content is not None
    assert json.loads(answer.content[0]["text"])["result_set"]["data"] == [["240"]]
    checked = await bench.at.recorded("token.checked")
    assert [json.loads(one.body)["role"] for one in checked] == ["AGENT_ROLE"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM OPS_DB.OPS.ORDERS", "not_allowed"),
        ("SELECT * FROM FINANCE_DB.HR.SALARIES", "out_of_scope"),
        ("SELECT 1; DROP TABLE OPS_DB.OPS.ORDERS", "multi_statement"),
        ("CREATE TABLE OPS_DB.OPS.T (A INT)", "not_allowed"),
        ("SELECT 1 /*", "unparseable"),
        ("CALL OPS_DB.OPS.P()", "not_allowed"),
        ("", "unparseable"),
    ],
)
async def test_what_the_guard_refuses_does_not_leave(bench: Bench, sql: str, code: str) -> None:
    """A SQL tool only reads inside the session: anything else is refused with its reason and never sent."""
    await bench.opened()
    refused = await bench.call(SQL, {"sql": sql})
    assert (refused.status.value, refused.fields["code"]) == ("denied", code)
    assert bench.called(SQL) == []


async def test_a_write_is_refused_in_a_session_that_may_write(bench: Bench) -> None:
    """Also where a person agreed to writes, a SQL tool only reads: nothing could cancel what it runs."""
    await bench.opened(access="write")
    refused = await bench.call(SQL, {"sql": "DELETE FROM OPS_DB.OPS.ORDERS WHERE ORDER_ID = 1"})
    assert (refused.status.value, refused.fields["code"]) == ("denied", "not_allowed")
    assert "snowflake_execute_query" in refused.fields["message"]
    assert (await bench.call(SQL, {"sql": COUNT})).status.value == "success"


async def test_search_and_analyst_are_reads_of_their_objects(bench: Bench) -> None:
    """Search and Analyst run at once inside the scope, count against the budgets, and are refused outside."""
    await bench.opened()
    found = await bench.call(SEARCH, {"query": "order", "limit": 2})
    assert found.status.value == "success", found
    assert found.data is not None
    assert len(found.data["result"]) == 2
    asked = await bench.call(ANALYST, {"message": "How many tickets are open?"})
    assert asked.status.value == "success"
    (search,) = await bench.statements(SEARCH)
    assert (search.kind.value, search.reads, search.result_rows) == ("read", ("OPS_DB.OPS.TICKET_SEARCH",), 2)


async def test_an_object_outside_the_scope_is_refused(bench: Bench) -> None:
    """A tool whose object lies outside the session is refused, with the request that would let it in."""
    await bench.opened(tables=["OPS_DB.OPS.ORDERS"])
    refused = await bench.call(SEARCH, {"query": "order"})
    assert (refused.status.value, refused.fields["code"]) == ("denied", "out_of_scope")
    assert "OPS_DB.OPS.TICKET_SEARCH" in refused.fields["request"]["scope"]["tables"]
    assert bench.called(SEARCH) == []


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "hint"),
    [
        (SQL, {"statement": COUNT}, "unknown_field", "Did you mean sql?"),
        (SQL, {"sql": COUNT, "warehouse": "X"}, "unknown_field", "sql"),
        (SQL, {}, "missing_field", "sql"),
        (SQL, {"sql": 7}, "invalid_request", "string"),
        (SEARCH, {"text": "x"}, "unknown_field", "Did you mean query?"),
        (ANALYST, {"question": "x"}, "unknown_field", "Did you mean message?"),
        (SEARCH, {"query": "x", "limit": True}, "invalid_request", "integer"),
    ],
)
async def test_a_wrong_argument_is_answered_with_the_right_one(
    bench: Bench, tool: str, arguments: dict[str, object], code: str, hint: str
) -> None:
    """An argument the tool does not have is named with the one that was meant; nothing is guessed or sent."""
    await bench.opened()
    with pytest.raises(SkipassError) as caught:
        await bench.call(tool, arguments)
    assert caught.value.code == code
    assert hint in caught.value.hint
    assert bench.called(tool) == []


async def test_an_unknown_tool_and_a_built_in_one_are_not_there(bench: Bench) -> None:
    """A name that the relay does not list is unknown, also where it is a built-in tool of other slugs."""
    for name in ("nothing", "snowflake_execute_query", "snowflake_get_tables"):
        with pytest.raises(SkipassError) as caught:
            await bench.call(name, {})
        assert caught.value.code == "unknown_tool"


async def test_budgets_end_a_relayed_session_too(bench: Bench) -> None:
    """Rows that a relayed tool returns are debited before they are handed on: too many end the session."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test", "budgets": {"rows": 3}}
    await bench.call("skipass_request_session", wish)
    refused = await bench.call(SQL, {"sql": "SELECT ORDER_ID FROM OPS_DB.OPS.ORDERS"})
    assert refused.status.value == "budget_exceeded"
    assert "content" not in refused.fields
    assert refused.content is None
    again = await bench.call(SQL, {"sql": COUNT})
    assert again.status.value == "session_required"


async def test_the_time_a_call_takes_is_charged(bench: Bench) -> None:
    """The seconds a call waited for its answer are taken off the session; the rest of its timeout comes back."""
    session = await bench.opened()
    await bench.call(SQL, {"sql": COUNT})
    (before,) = await bench.at.every(AccessSession, id=session)
    path = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"
    bench.at.sandbox.control.faults({"kind": "late", "path": path, "method": "POST", "delay_ms": 2000})
    assert (await bench.call(SQL, {"sql": f"{COUNT} WHERE 1 = 1"})).status.value == "success"
    (after,) = await bench.at.every(AccessSession, id=session)
    assert 2 <= before.seconds_left - after.seconds_left < 300


async def test_the_slug_narrows_the_tools(bench: Bench) -> None:
    """A slug that names tools shows and runs those alone, beside the session's own."""
    from skipass.gateway.slug_names import Access

    await bench.at.gateway.servers.change(await bench.admin(), SLUG, Access(put={"tools": [SEARCH]}))
    names = await bench.names()
    assert SEARCH in names
    assert SQL not in names
    assert "skipass_request_session" in names
    await bench.opened()
    with pytest.raises(SkipassError) as caught:
        await bench.call(SQL, {"sql": COUNT})
    assert caught.value.code == "unknown_tool"
