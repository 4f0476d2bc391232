"""Idempotency-Key: what is sent twice is done once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateways import stage
from skipass.clock import SystemClock
from skipass.sandbox.testing import RunningSandbox
from surfaces.rest.house import House, fresh, house, new_connection, session_request
from surfaces.rest.table import CALLERS, TABLE

pytestmark = pytest.mark.anyio


def keyed() -> dict[str, str]:
    return {"Idempotency-Key": fresh("key")}


async def test_a_repeated_session_request_is_the_same_session(at: House) -> None:
    """The same key and body give the first answer and no second session."""
    agent, key = await at.agent(), keyed()
    first = await at.post("/sessions", session_request(), who=agent, headers=key)
    again = await at.post("/sessions", session_request(), who=agent, headers=key)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len((await at.get("/sessions", who=agent)).body["items"]) == 1


async def test_another_body_under_the_same_key_conflicts(at: House) -> None:
    """The same key with another body answers 409 and does nothing."""
    agent, key = await at.agent(), keyed()
    await at.post("/sessions", session_request(), who=agent, headers=key)
    told = await at.post("/sessions", session_request(ttl_s=60), who=agent, headers=key)
    assert (told.status, told.code) == (409, "idempotency_conflict")
    assert len((await at.get("/sessions", who=agent)).body["items"]) == 1


async def test_twenty_at_once_make_one(at: House) -> None:
    """Twenty equal requests at the same time open one session, and all of them name it."""
    agent, key = await at.agent(), keyed()
    told = await asyncio.gather(*(at.post("/sessions", session_request(), who=agent, headers=key) for _ in range(20)))
    assert {one.status for one in told} == {201}
    assert len({one.body["id"] for one in told}) == 1
    assert len((await at.get("/sessions", who=agent)).body["items"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/agents", {"name": fresh("agent")}, ("api_key", "client_secret")),
        ("/agents/{agent}/rotate", {}, ("api_key", "client_secret")),
        ("/users/sam/link", {}, ("token", "url")),
    ],
)
async def test_a_replay_holds_no_secret(at: House, path: str, body: dict[str, Any], secret: tuple[str, ...]) -> None:
    """A repeated request that made a credential gives the resource again, without the credential."""
    path, key = path.format(agent=await at.agent()), keyed()
    first = await at.post(path, body, headers=key)
    again = await at.post(path, body, headers=key)
    assert again.status == first.status
    assert again.body == {k: v for k, v in first.body.items() if k not in secret}
    assert set(secret) <= set(first.body)


async def test_a_secret_is_not_stored_for_the_replay(at: House) -> None:
    """The database holds neither the key that was issued nor the private key that came in."""
    agent = await at.post("/agents", {"name": fresh("agent")}, headers=keyed())
    connection = new_connection(at, fresh("con"))
    assert (await at.post("/connections", connection, headers=keyed())).status == 201
    stored = b"".join(file.read_bytes() for file in at.stage.home.path.glob("skipass.sqlite3*"))
    assert agent.body["agent"]["id"].encode() in stored
    assert agent.body["api_key"].encode() not in stored
    assert not [line for line in connection["private_key"].splitlines()[1:-1] if line.encode() in stored]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users", {"name": fresh("user"), "roles": ["member"]}),
        ("/mcp-servers", {"slug": fresh("slug"), "connection": "jit"}),
    ],
)
async def test_a_repeated_creation_is_no_conflict(at: House, path: str, body: dict[str, Any]) -> None:
    """With a key the second creation gives the first answer; without, the name is taken."""
    key = keyed()
    first = await at.post(path, body, headers=key)
    assert (await at.post(path, body, headers=key)).body == first.body
    assert (await at.post(path, body)).code == "conflict"


async def test_a_decision_repeated_is_the_same_decision(at: House) -> None:
    """An approver whose answer was lost sends it again and learns how it was decided."""
    _, envelope = await at.held()
    path, key = f"/approvals/{envelope['approval']['id']}/deny", keyed()
    first = await at.post(path, {"reason": "no"}, who="approver", headers=key)
    again = await at.post(path, {"reason": "no"}, who="approver", headers=key)
    assert again.body == first.body
    card = (await at.get(f"/approvals/{envelope['approval']['id']}", who="approver")).body
    assert len(card["decisions"]) == 1


async def test_a_failed_request_may_be_sent_again_under_its_key(at: House) -> None:
    """A refusal keeps nothing: mended on our side, the same request under the same key succeeds."""
    name, key = fresh("later"), keyed()
    body = {"slug": fresh("slug"), "connection": name}
    assert (await at.post("/mcp-servers", body, headers=key)).code == "unknown_connection"
    assert (await at.post("/connections", new_connection(at, name))).status == 201
    assert (await at.post("/mcp-servers", body, headers=key)).status == 201


async def test_keys_of_two_callers_are_two_keys(at: House) -> None:
    """The same key used by two agents opens a session for each."""
    key, agents = keyed(), [await at.agent(), await at.agent()]
    ids = [(await at.post("/sessions", session_request(), who=who, headers=key)).body["id"] for who in agents]
    assert ids[0] != ids[1]


async def test_a_repeated_statement_is_collected(at: House) -> None:
    """A tool call repeated under its key collects the statement it started, and reaches Snowflake once."""
    session_id, key = await at.session(), keyed()
    marker = fresh("marker")
    statement = f"SELECT COUNT(*) FROM ops.orders WHERE note = '{marker}'"
    first = await at.execute(statement, session_id, headers=key)
    again = await at.execute(statement, session_id, headers=key)
    assert again["execution_id"] == first["execution_id"]
    assert again["data"]["data"] == first["data"]["data"]
    assert len(at.stage.sent(marker)) == 1


async def test_a_repeated_session_request_over_the_tool_is_the_same_session(at: House) -> None:
    """skipass_request_session under one key opens one session, and answers with it each time."""
    agent, key = await at.agent(), keyed()
    asked: dict[str, Any] = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "x"}
    wish = {"connection_name": "jit", "tool_input": asked}
    told = [await at.post("/tools/skipass_request_session/execute", wish, who=agent, headers=key) for _ in range(2)]
    assert told[0].body["session_id"] == told[1].body["session_id"]
    assert told[1].body["status"] == "success"
    other = {**wish, "tool_input": {**asked, "ttl_s": 61}}
    conflict = await at.post("/tools/skipass_request_session/execute", other, who=agent, headers=key)
    assert conflict.body["code"] == "idempotency_conflict"


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "two words", "ü"])
async def test_a_malformed_key_is_refused(at: House, key: str) -> None:
    """A key that is not 1 to 255 visible ASCII characters is refused before anything is done."""
    told = await at.post("/users", {"name": fresh("user"), "roles": ["member"]}, headers={"Idempotency-Key": key})
    assert (told.status, told.code) == (400, "invalid_request")


class Ahead(SystemClock):
    """The machine's clocks, as far ahead as the test says."""

    by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by

    def monotonic(self) -> float:
        return super().monotonic() + self.by.total_seconds()


async def test_a_key_is_kept_for_a_day(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """23 hours later a request is answered from memory; after 24 the key is free and the request is a new one."""
    clock, key = Ahead(), keyed()
    body = {"name": fresh("user"), "roles": ["member"]}
    async with stage(sandbox, tmp_path / "home", clock) as running, house(running) as at:
        first = await at.post("/users", body, headers=key)
        clock.by = timedelta(hours=23)
        assert (await at.post("/users", body, headers=key)).body == first.body
        clock.by = timedelta(hours=24, seconds=1)
        assert (await at.post("/users", body, headers=key)).code == "conflict"


async def test_every_route_that_takes_a_key_gives_its_answer_again(at: House) -> None:
    """The same request under the same key has the same answer, but for a secret that is shown once."""
    paths = (await at.get("/openapi.json", who=None)).body["paths"]
    again: list[str] = []
    for row in TABLE:
        method, _, path = row.route.partition(" ")
        described = paths.get(f"/api/v1{path}", {}).get(method.lower(), {})
        if "Idempotency-Key" not in [one["name"] for one in described.get("parameters", ())]:
            continue
        made, body, key = await row.needs(at) if row.needs else {}, row.body(), keyed()
        who = CALLERS[next(n for n, status in enumerate(row.expected) if status < 300)]
        first, second = [await at.ask(method, path.format(**made), body, who=who, headers=key) for _ in range(2)]
        assert (second.status, second.headers.get("idempotency-replayed")) == (first.status, "true"), row.route
        assert second.body.items() <= first.body.items(), row.route
        again.append(row.route)
    assert len(again) > 20
