"""The sandbox's own relay, through a real gateway process, and what a kill -9 leaves of a call."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateways import verified
from skipass.app.home import Home
from skipass.demo.doors import agent_door
from skipass.demo.stage import start, stop
from skipass.storage.export import records

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SEARCH = "ticket-search"


async def calls(account: dict[str, Any], tool: str) -> int:
    """Return how many calls of a tool reached the account."""
    headers = {"Authorization": f"Bearer {account['control_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{account['control_url']}/calls") as answer:
        return len([one for one in (await answer.json())["calls"] if one.get("tool") == tool])


def relayed(ready: dict[str, Any]) -> str:
    """Return the address of the relay that `serve --sandbox` prints."""
    return next(server["url"] for server in ready["mcp_servers"] if server["slug"] == "cortex")


async def test_the_sandbox_has_a_relay_that_its_agent_may_use(tmp_path: Path) -> None:
    """`serve --sandbox` prints the slug cortex; the demo's agent lists its tools and calls one in its session."""
    child, ready = await start(tmp_path / "home")
    try:
        async with agent_door(relayed(ready), ready["agent"]["api_key"]) as agent:
            found = await agent.call(SEARCH, {"query": "order"})
            assert found["result"], found
    finally:
        await stop(child)


@pytest.mark.parametrize("point", ["intent_recorded", "before_submit", "submitted_unrecorded", "before_outcome"])
async def test_a_kill_between_intent_and_answer_sends_nothing_twice(tmp_path: Path, point: str) -> None:
    """After a kill -9 the call has reached Snowflake once at most, it is unknown or ended, and the record verifies."""
    home = Home(tmp_path / "home")
    # Two statements of the gateway's own go before: what the server's tools are, and which role the token brings.
    passes = 0 if point == "intent_recorded" else 2
    child, ready = await start(home.path, env={"SKIPASS_CRASH_AT": f"{point}:{passes}"})
    with contextlib.suppress(BaseExceptionGroup, Exception):
        async with agent_door(relayed(ready), ready["agent"]["api_key"]) as agent:
            await asyncio.wait_for(agent.call(SEARCH, {"query": "order"}), 20)
    assert await asyncio.wait_for(child.wait(), 30) != 0
    child, ready = await start(home.path)
    try:
        while not (kinds := _ended(home)):
            await asyncio.sleep(0.1)
        reached = await calls(ready["sandbox"], SEARCH)
    finally:
        await stop(child)
    assert reached == (0 if point in ("intent_recorded", "before_submit") else 1)
    assert "statement.admitted" in kinds
    report = verified(home)
    assert report.ok, report.faults


def _ended(home: Home) -> list[str]:
    """Return the kinds of the call's records, once its process's death is known."""
    mine = [r for r in records(home.database) if r.kind.startswith("statement.") and r.session_id not in (None, "none")]
    kinds = [record.kind for record in mine]
    over = {"statement.unknown", "statement.succeeded", "statement.failed", "statement.not_found"}
    return kinds if over & set(kinds) else []
