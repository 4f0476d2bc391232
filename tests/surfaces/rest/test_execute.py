"""Tools over REST: one envelope for every call, and the approver's card for what is held."""

from __future__ import annotations

import asyncio

import pytest

from skipass.tools.catalogue import CATALOGUE
from surfaces.rest.house import House, fresh, session_request

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"


async def test_rows_come_back_in_the_envelope(at: House) -> None:
    """A read in scope answers success with Snowflake's own body, the handle on top as well."""
    envelope = await at.execute(PENDING, await at.session())
    assert envelope["status"] == "success"
    assert {row[1] for row in envelope["data"]["data"]} == {"pending"}
    assert envelope["statementHandle"] == envelope["execution_id"]


async def test_a_refusal_is_an_envelope_with_its_reasons(at: House) -> None:
    """A statement outside the scope answers 200 and denied, with the piece that is outside."""
    envelope = await at.execute("SELECT * FROM finance_db.hr.salaries", await at.session())
    assert (envelope["status"], envelope["code"]) == ("denied", "out_of_scope")
    assert "FINANCE_DB.HR.SALARIES" in str(envelope["reasons"])


async def test_the_session_may_be_left_out_while_only_one_is_open(at: House) -> None:
    """Without session_id the caller's one open session is used; with two, both are named; with none, a request."""
    agent = await at.agent(owner="sam")
    wish = {"connection_name": "jit", "tool_input": {"statement": PENDING}}
    path = "/tools/snowflake_execute_query/execute"
    assert (await at.post(path, wish, who=agent)).body["status"] == "session_required"
    first = await at.session(agent)
    assert (await at.post(path, wish, who=agent)).body["session_id"] == first
    second = await at.session(agent)
    ambiguous = (await at.post(path, wish, who=agent)).body
    assert ambiguous["status"] == "session_ambiguous"
    assert set(ambiguous["sessions"]) == {first, second}


async def test_without_a_connection_the_single_one_is_used(at: House) -> None:
    """connection_name may be left out with one connection; with several the envelope names them."""
    agent = await at.agent(connections=["jit", "snowflake"])
    wish = {"tool_input": {"statement": PENDING}}
    told = await at.post("/tools/snowflake_execute_query/execute", wish, who=agent)
    assert (told.status, told.body["status"], told.body["code"]) == (200, "connection_required", "connection_required")
    assert told.body["connections"] == ["jit", "snowflake"]
    assert "jit, snowflake" in told.body["hint"]


async def test_a_session_says_on_which_connection(at: House) -> None:
    """With a session of the caller's own connection_name may be left out; one of somebody else's says nothing."""
    agent, other = [await at.agent(connections=["jit", "snowflake"]) for _ in range(2)]
    session_id = await at.session(agent)
    for tool, tool_input in (
        ("snowflake_execute_query", {"statement": PENDING}),
        ("snowflake_sample_table", {"table": "ORDERS", "database": "OPS_DB", "schema": "OPS"}),
        ("snowflake_query_history", {}),
    ):
        for wish in (
            {"session_id": session_id, "tool_input": tool_input},
            {"tool_input": {**tool_input, "session_id": session_id}},
        ):
            told = await at.post(f"/tools/{tool}/execute", wish, who=agent)
            assert (told.body["status"], told.body["session_id"]) == ("success", session_id), told.body
            assert (await at.post(f"/tools/{tool}/execute", wish, who=other)).body["status"] in (
                "connection_required",
                "not_found",
            )


async def test_every_tool_is_listed_with_its_schemas(at: House) -> None:
    """The list holds the catalogue in order, a page at a time, with schemas and hints."""
    first = (await at.get("/tools?limit=3", who="agent")).body
    rest = (await at.get(f"/tools?cursor={first['next_cursor']}", who="agent")).body
    names = [tool["name"] for tool in first["items"] + rest["items"]]
    assert names == [spec.name for spec in CATALOGUE]
    assert first["items"][0]["input_schema"]["type"] == "object"


async def test_an_unknown_tool_is_not_found(at: House) -> None:
    """A tool that does not exist answers 404 and is on record under the request's id."""
    told = await at.post("/tools/snowflake_drop_everything/execute", {"tool_input": {}}, who="agent")
    assert (told.status, told.code) == (404, "unknown_tool")


@pytest.mark.parametrize(
    ("tool_input", "code"),
    [
        ({}, "missing_field"),
        ({"statement": 1}, "invalid_request"),
        ({"statement": "SELECT 1", "sql": "x"}, "unknown_field"),
    ],
)
async def test_a_wrong_tool_input_is_told_apart(at: House, tool_input: dict[str, object], code: str) -> None:
    """The tool's own input is checked like a body."""
    told = await at.post("/tools/snowflake_execute_query/execute", {"tool_input": tool_input}, who="agent")
    assert (told.status, told.code) == (400, code)


async def test_a_malformed_call_of_a_verified_caller_is_on_record(at: House) -> None:
    """What is refused before it is a tool call leaves an event under the request's id."""
    told = await at.post("/tools/snowflake_execute_query/execute", raw=b"{", who="agent")
    assert told.status == 400
    refused = [e["subject"] for e in await at.record() if e["kind"] == "statement.refused"]
    assert told.headers["x-request-id"] in refused


async def test_a_held_write_runs_once_when_a_person_approves(at: House) -> None:
    """The card shows exactly the text that runs; after approval it is sent once and its outcome collected."""
    _, envelope = await at.held()
    card = (await at.get(f"/approvals/{envelope['approval']['id']}", who="approver")).body
    assert card["text"].upper().startswith("UPDATE OPS_DB.OPS.ORDERS SET")
    assert card["text_visible"] == card["text"]
    assert (card["agent"]["name"], card["for_user"]["name"], card["reason"]) == ("reporting-agent", "sam", "a test")
    assert card["statement"]["intent_hash"]
    path = f"/approvals/{envelope['approval']['id']}/approve"
    decided = await at.post(path, {"reason": "as agreed"}, who="approver")
    assert (decided.status, decided.body["state"]) == (200, "approved")
    assert (await at.post(path, {"reason": "again"}, who="approver")).code == "conflict"
    wish = {"connection_name": "jit", "tool_input": {"statement_handle": envelope["statementHandle"]}}
    status = "running"
    while status == "running":
        status = (await at.post("/tools/snowflake_get_query_status/execute", wish, who="agent")).body["status"]
    assert status == "success"
    note = card["text"].split("'")[1]
    run = [call for call in at.stage.sent(note) if not call["statement"].startswith("EXPLAIN")]
    assert len(run) == 1


async def test_the_owner_and_the_user_acted_for_never_decide(at: House) -> None:
    """An approver for whom the agent acts is not eligible, whatever their role."""
    agent = await at.agent(owner="grace")
    _, envelope = await at.held(agent)
    told = await at.post(f"/approvals/{envelope['approval']['id']}/approve", {}, who="approver")
    assert (told.status, told.code) == (403, "not_eligible")


async def test_a_hidden_character_is_made_visible_on_the_card(at: House) -> None:
    """A zero-width space in a held text is spelled out in text_visible and kept in text."""
    session_id = await at.session()
    statement = f"UPDATE ops.orders SET note = '{fresh('a')}\u200bb' WHERE order_id = 1003"
    envelope = await at.execute(statement, session_id)
    card = (await at.get(f"/approvals/{envelope['approval']['id']}", who="approver")).body
    assert "\u200b" in card["text"]
    assert "⟨U+200B⟩b" in card["text_visible"]
    assert "\u200b" not in card["text_visible"]


async def test_the_list_of_approvals_pages_and_filters(at: House) -> None:
    """An approver sees every question newest first; the agent its own; state narrows both."""
    agent = await at.agent(owner="sam")
    ids = [(await at.held(agent))[1]["approval"]["id"] for _ in range(3)]
    first = (await at.get("/approvals?limit=2", who=agent)).body
    rest = (await at.get(f"/approvals?limit=2&cursor={first['next_cursor']}", who=agent)).body
    assert [a["id"] for a in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    await at.post(f"/approvals/{ids[0]}/deny", {"reason": "no"}, who="approver")
    waiting = (await at.get("/approvals?state=waiting", who="approver")).body["items"]
    assert {ids[1], ids[2]} <= {a["id"] for a in waiting}
    assert ids[0] not in {a["id"] for a in waiting}


async def test_the_record_pages_without_a_gap(at: House) -> None:
    """Following the cursor of events in small pages gives each writer's sequence whole."""
    await at.session()
    events = await at.record(limit=7)
    writers = {event["writer"] for event in events}
    assert at.stage.gateway.deps.journal.boot_id in writers
    for writer in writers:
        own = [event for event in events if event["writer"] == writer]
        assert [event["seq"] for event in own] == list(range(1, len(own) + 1))
        assert [event["prev_hash"] for event in own[1:]] == [event["hash"] for event in own[:-1]]


async def test_decisions_race_and_one_wins(at: House) -> None:
    """Approve and deny sent together by two people: one decides, the other is told of the conflict."""
    _, envelope = await at.held()
    path = f"/approvals/{envelope['approval']['id']}"
    told = await asyncio.gather(
        at.post(f"{path}/approve", {"reason": "yes"}, who="approver"),
        at.post(f"{path}/deny", {"reason": "no"}, who="admin"),
    )
    assert sorted(one.status for one in told) == [200, 409]


async def test_a_session_over_the_tool_is_the_same_session(at: House) -> None:
    """What skipass_request_session opens over the tool route is shown by the session route."""
    wish = {"tool_input": {k: v for k, v in session_request().items() if k != "connection"}, "connection_name": "jit"}
    envelope = (await at.post("/tools/skipass_request_session/execute", wish, who="agent")).body
    assert envelope["status"] == "success"
    assert (await at.get(f"/sessions/{envelope['session_id']}", who="agent")).body["state"] == "open"


@pytest.mark.parametrize(("layout", "first"), [("csv", "ORDER_ID,STATUS"), ("table", "ORDER_ID | STATUS")])
async def test_rows_are_laid_out_as_text_on_request(at: House, layout: str, first: str) -> None:
    """With a format the envelope holds the text form beside the rows; without one it does not."""
    session = await at.session()
    path = "/tools/snowflake_execute_query/execute"
    wish = {"connection_name": "jit", "session_id": session, "tool_input": {"statement": PENDING}}
    assert "text" not in (await at.post(path, wish, who="agent")).body
    wish["tool_input"] = {"statement": PENDING, "format": layout}
    told = (await at.post(path, wish, who="agent")).body
    assert f"\n{first}\n" in told["text"]
    assert told["data"]["data"]
