"""Kill -9 at every named point: nothing runs twice, nothing is lost, and the record verifies."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateways import verified
from skipass.app.home import Home
from skipass.audit.chain import Record
from skipass.demo.doors import agent_door, person_door
from skipass.demo.stage import start, stop
from skipass.gateway.crashpoints import POINTS
from skipass.ids import upstream_request_id
from skipass.storage.export import records

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
UPDATE = "UPDATE ops.orders SET note = 'crash' WHERE order_id = 1003"
FINAL = {"statement.succeeded", "statement.failed", "statement.not_found", "statement.not_sent", "statement.cancelled"}


async def flow(ready: dict[str, Any]) -> None:
    """Open a session, have a write held and approved, and collect it, as far as the gateway lives."""
    async with (
        agent_door(f"{ready['url']}/jit/mcp", ready["agent"]["api_key"]) as agent,
        person_door(ready["url"], ready["approver"]["api_key"], "grace") as person,
    ):
        wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "crash"}
        await agent.call("skipass_request_session", wish)
        await agent.call("snowflake_execute_query", {"statement": "SELECT order_id FROM ops.orders"})
        held = await agent.call("snowflake_execute_query", {"statement": UPDATE})
        if held.get("status") == "approval_required":
            await person.approve(held["approval"]["id"], "crash test")
            await agent.call("snowflake_get_query_status", {"statement_handle": held["statementHandle"]})


async def submits(account: dict[str, Any], piece: str) -> list[dict[str, Any]]:
    """Return the submits that reached the account with this piece of text."""
    headers = {"Authorization": f"Bearer {account['control_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{account['control_url']}/calls") as answer:
        calls = (await answer.json())["calls"]
    return [c for c in calls if c["method"] == "POST" and piece in (c["statement"] or "")]


def statements(home: Home) -> dict[str, list[Record]]:
    """Return the events of every statement, system ones left out."""
    by_id: dict[str, list[Record]] = {}
    for record in sorted(records(home.database), key=lambda r: r.at_us):
        if record.kind.startswith("statement.") and record.session_id != "none":
            by_id.setdefault(record.subject, []).append(record)
    return by_id


async def settled(home: Home, account: dict[str, Any]) -> dict[str, list[Record]]:
    """Return the events once each admitted statement has its end, or is unknown because Snowflake never got it."""
    while True:
        reached = {call["request_id"] for call in await submits(account, "")}
        found = statements(home)
        if all(over(events, upstream_request_id(s) in reached) for s, events in found.items()):
            return found
        await asyncio.sleep(0.1)


def over(events: list[Record], reached: bool) -> bool:
    """Return whether nothing more will become of a statement."""
    kinds = {event.kind for event in events}
    return "statement.admitted" not in kinds or bool(FINAL & kinds) or ("statement.unknown" in kinds and not reached)


@pytest.mark.parametrize("point", sorted(point for point in POINTS if not point.startswith("refresh")))
@pytest.mark.parametrize("passes", [0, 1])
async def test_a_kill_at_any_point_leaves_one_outcome_and_no_second_run(
    tmp_path: Path, point: str, passes: int
) -> None:
    """After a kill -9 and a restart every statement has one end, the write ran at most once, the chain holds."""
    home = Home(tmp_path / "home")
    child, ready = await start(home.path, env={"SKIPASS_CRASH_AT": f"{point}:{passes}"})
    with contextlib.suppress(BaseExceptionGroup, Exception):
        await asyncio.wait_for(flow(ready), 20)
    if child.returncode is None:
        child.kill()
        await child.wait()
    child, ready = await start(home.path)
    try:
        events = await asyncio.wait_for(settled(home, ready["sandbox"]), 60)
        sent = Counter(call["request_id"] for call in await submits(ready["sandbox"], ""))
        updates = await submits(ready["sandbox"], "UPDATE")
    finally:
        await stop(child)
    assert not {request for request, count in sent.items() if count > 1}
    assert len(updates) <= 1
    for found in events.values():
        kinds = [event.kind for event in found]
        assert sum(kind in FINAL for kind in kinds) <= 1
        if "statement.submitted" in kinds:
            assert kinds.index("statement.admitted") < kinds.index("statement.submitted")
    report = verified(home)
    assert report.ok, report.faults
