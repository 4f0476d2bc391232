"""Access sessions over REST, from the request to the record, in front of a real sandbox."""

from __future__ import annotations

import asyncio

import pytest

from surfaces.rest.house import House, session_request

pytestmark = pytest.mark.anyio


async def test_a_session_opens_and_says_what_it_allows(at: House) -> None:
    """A read session that policy allows is open at once, with its end and what is left of its budgets."""
    told = await at.post("/sessions", session_request(budgets={"statements": 5}), who="agent")
    assert told.status == 201
    assert told.body["state"] == "open"
    assert told.body["expires_at"] is not None
    assert told.body["budgets_left"]["statements"] == 5
    assert told.body["scope"]["schemas"] == ["OPS_DB.OPS"]
    assert told.body["approval"] is None


async def test_a_write_session_waits_for_a_person(at: House) -> None:
    """A session with write access is requested, names its approval, and opens once a person approves it."""
    scope = {"schemas": ["OPS_DB.OPS"], "access": "write"}
    told = await at.post("/sessions", session_request(scope=scope), who="agent")
    assert told.status == 201
    assert told.body["state"] == "requested"
    assert told.body["expires_at"] is None
    assert told.body["decide_by"] is not None
    approval = told.body["approval"]
    assert approval["url"].endswith(f"/console/approvals/{approval['id']}")
    card = (await at.get(f"/approvals/{approval['id']}", who="approver")).body
    assert card["session"]["id"] == told.body["id"]
    assert card["statement"] is None
    assert (await at.post(f"/approvals/{approval['id']}/approve", {"reason": "fine"}, who="approver")).status == 200
    shown = (await at.get(f"/sessions/{told.body['id']}", who="agent")).body
    assert shown["state"] == "open"
    assert shown["approval"]["id"] == approval["id"]


async def test_the_list_pages_newest_first_and_filters_by_state(at: House) -> None:
    """Following next_cursor visits every session of the caller once, newest first; state narrows it."""
    who = await at.agent(owner="sam")
    made = [await at.session(who) for _ in range(3)]
    await at.post(f"/sessions/{made[0]}/close", who=who)
    first = (await at.get("/sessions?limit=2", who=who)).body
    assert [s["id"] for s in first["items"]] == [made[2], made[1]]
    rest = (await at.get(f"/sessions?limit=2&cursor={first['next_cursor']}", who=who)).body
    assert [s["id"] for s in rest["items"]] == [made[0]]
    assert rest["next_cursor"] is None
    still = (await at.get("/sessions?state=open", who=who)).body
    assert {s["id"] for s in still["items"]} == {made[1], made[2]}


async def test_a_closed_session_refuses_what_it_allowed(at: House) -> None:
    """After close the same query is refused as expired, with the request that would reopen it."""
    session_id = await at.session()
    query = "SELECT order_id FROM ops.orders LIMIT 1"
    assert (await at.execute(query, session_id))["status"] == "success"
    closed = (await at.post(f"/sessions/{session_id}/close", {}, who="agent")).body
    assert closed["state"] == "closed"
    assert closed["end_reason"] == "released"
    refused = await at.execute(query, session_id)
    assert refused["status"] == "expired"
    assert refused["request"]["scope"]["schemas"] == ["OPS_DB.OPS"]


@pytest.mark.parametrize("who", ["admin", "approver"])
async def test_people_who_watch_may_revoke(at: House, who: str) -> None:
    """An admin or an approver takes a session away; it ends as revoked."""
    session_id = await at.session()
    told = await at.post(f"/sessions/{session_id}/revoke", who=who)
    assert told.status == 200
    assert told.body["end_reason"] == "revoked"


async def test_the_user_acted_for_may_revoke(at: House) -> None:
    """The person an agent acts for takes the agent's session away without any role."""
    person = await at.person("member")
    agent = await at.agent(owner=person)
    session_id = await at.session(agent)
    assert (await at.get(f"/sessions/{session_id}", who=person)).status == 200
    assert (await at.post(f"/sessions/{session_id}/revoke", who=person)).body["end_reason"] == "revoked"


async def test_the_record_holds_statements_decisions_and_events(at: House) -> None:
    """The record of a session shows each text, who decided, and every event from request to close."""
    session_id, envelope = await at.held()
    approval = envelope["approval"]["id"]
    await at.post(f"/approvals/{approval}/deny", {"reason": "not today"}, who="approver")
    await at.post(f"/sessions/{session_id}/close", who="agent")
    record = (await at.get(f"/sessions/{session_id}/record", who="auditor")).body
    assert record["session"]["state"] == "closed"
    (statement,) = record["statements"]
    assert statement["text"].startswith("UPDATE ops.orders")
    assert statement["state"] == "denied"
    (card,) = record["approvals"]
    assert [(d["approved"], d["reason"]) for d in card["decisions"]] == [(False, "not today")]
    kinds = [event["kind"] for event in record["events"]]
    assert kinds[0] == "session.requested"
    assert kinds[-1] == "session.closed"
    assert "approval.decided" in kinds


async def test_a_refused_request_is_on_record(at: House) -> None:
    """A session that policy refuses answers 422 and leaves an event; so does a malformed request."""
    too_long = await at.post("/sessions", session_request(ttl_s=604_800), who="agent")
    assert (too_long.status, too_long.code) == (422, "not_allowed")
    malformed = await at.post("/sessions", session_request(ttl_s="soon"), who="agent")
    assert (malformed.status, malformed.code) == (400, "invalid_request")
    ids = {too_long.headers["x-request-id"], malformed.headers["x-request-id"]}
    assert {e["subject"] for e in await at.record() if e["kind"] == "session.refused"} >= ids


async def test_waiting_for_a_session_ends_with_the_decision(at: House) -> None:
    """With wait_s the answer comes once somebody has decided; longer than fifty seconds is refused."""
    scope = {"schemas": ["OPS_DB.OPS"], "access": "write"}
    asked = (await at.post("/sessions", session_request(scope=scope), who="agent")).body
    waiting = asyncio.create_task(at.get(f"/sessions/{asked['id']}?wait_s=50", who="agent"))
    assert (await at.post(f"/approvals/{asked['approval']['id']}/deny", {}, who="approver")).status == 200
    assert (await waiting).body["state"] == "denied"
    assert (await at.get(f"/sessions/{asked['id']}?wait_s=51", who="agent")).code == "invalid_request"
