"""A disk that takes no more bytes, under a gateway in a process of its own that logs to that disk too."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateways import verified
from skipass.app.home import Home
from skipass.demo.doors import agent_door
from skipass.demo.stage import start, stop

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
READ = {"statement": "SELECT order_id FROM ops.orders"}


def files_may_grow(pid: int, most: int) -> None:
    """Let the process write no file beyond `most` bytes; a write past it fails as on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))


async def ready(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
        return answer.status


async def until(url: str, status: int) -> None:
    """Return once readiness answers with this status."""
    while await ready(url) != status:
        await asyncio.sleep(0)


async def sent(account: dict[str, Any]) -> int:
    """Return how many statements reached the account."""
    headers = {"Authorization": f"Bearer {account['control_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{account['control_url']}/calls") as answer:
        return sum(call["statement"] is not None for call in (await answer.json())["calls"])


async def test_a_full_disk_stops_statements_and_nothing_else(tmp_path: Path) -> None:
    """Not one statement runs unrecorded, readiness is red, and with room again work resumes in the same process."""
    home = Home(tmp_path / "home")
    child, serving = await start(home.path, env={"SKIPASS_LOG_LEVEL": "info"})
    try:
        async with agent_door(f"{serving['url']}/jit/mcp", serving["agent"]["api_key"]) as agent:
            wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "disk"}
            assert (await agent.call("skipass_request_session", wish))["status"] == "success"
            assert (await agent.call("snowflake_execute_query", READ))["status"] == "success"
            before = await sent(serving["sandbox"])
            files_may_grow(child.pid, 0)
            await asyncio.wait_for(until(serving["url"], 503), 30)
            told = [await agent.call("snowflake_execute_query", READ) for _ in range(3)]
            assert [(one["status"], one["code"]) for one in told] == [("failed", "not_recorded")] * 3
            assert await sent(serving["sandbox"]) == before
            files_may_grow(child.pid, resource.RLIM_INFINITY)
            await asyncio.wait_for(until(serving["url"], 200), 30)
            assert (await agent.call("snowflake_execute_query", READ))["status"] == "success"
            assert child.returncode is None
    finally:
        await stop(child)
    report = verified(home)
    assert report.ok, report.faults
