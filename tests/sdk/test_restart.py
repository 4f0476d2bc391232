"""A gateway that is killed while a client waits: the call ends right, nothing runs twice and nothing is lost."""

from __future__ import annotations

import asyncio
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from skipass.demo.stage import end_sandbox, start, stop
from skipass.sdk import Answer, AsyncSession, AsyncSkipass, ToolAnswer, errors
from skipass.sdk.actions import AsyncActions
from skipass.snowflake.pace import Pace

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
READ = "SELECT order_id AS polled FROM ops.orders WHERE order_id = 1003"
WRITE = "UPDATE ops.orders SET note = COALESCE(note, '') || '+' WHERE order_id = 1003"
NOTE = "SELECT note FROM ops.orders WHERE order_id = 1003"
NARROW = {"schemas": ["OPS_DB.OPS"]}
WIDE = {**NARROW, "access": "write"}
WISH: dict[str, Any] = {"connection": "jit", "ttl": 600, "reason": "a restart"}


@dataclass
class Mortal:
    """`skipass serve` in a process of its own, on a port and a home that outlive it."""

    home: Path
    port: int
    child: Process
    ready: dict[str, Any]

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.child.kill()
        await self.child.wait()

    async def again(self) -> None:
        """Start it where it was."""
        self.child, self.ready = await start(self.home, "--port", str(self.port))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control, which outlives the gateway."""
        account = self.ready["sandbox"]
        headers = {"Authorization": f"Bearer {account['control_token']}"}
        url = f"{account['control_url']}{path}"
        async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, json=body) as answer:
            return await answer.json()

    async def submits(self, piece: str) -> int:
        """Return how many submits with this piece of text have reached the account."""
        calls = (await self.control("GET", "/calls"))["calls"]
        return sum(call["method"] == "POST" and piece in (call["statement"] or "") for call in calls)

    async def submitted(self, piece: str) -> None:
        """Return once the account has got a statement with this piece of text."""
        while not await self.submits(piece):
            await asyncio.sleep(0.02)

    def client(self, pace: Pace | None = None) -> AsyncSkipass:
        """Return a client of the agent."""
        return AsyncSkipass(base_url=self.ready["url"], api_key=self.ready["agent"]["api_key"], pace=pace)

    async def question(self) -> str:
        """Return the id of the one approval that waits."""
        (waiting,) = (await self._approver("GET", "?state=waiting"))["items"]
        return str(waiting["id"])

    async def agreed(self, approval_id: str) -> None:
        """Have the approver agree."""
        await self._approver("POST", f"/{approval_id}/approve", {"reason": "yes"})

    async def _approver(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.ready['approver']['api_key']}"}
        url = f"{self.ready['url']}/api/v1/approvals{path}"
        async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url, json=body) as answer:
            assert answer.status == 200
            return await answer.json()


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Mortal]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    child, ready = await start(tmp_path / "home", "--port", str(port))
    one = Mortal(tmp_path / "home", port, child, ready)
    try:
        yield one
    finally:
        await stop(one.child)
        end_sandbox(one.home)


async def ended(asking: AsyncActions | AsyncSession, handle: str) -> ToolAnswer:
    """Ask for a statement until it is no longer running."""
    while True:
        asked = {"statement_handle": handle}
        answer = await asking.execute_tool(tool_name="snowflake_get_query_status", tool_input=asked)
        if answer.status not in ("running", "unknown"):
            return answer


async def test_a_query_outlives_the_gateway(mortal: Mortal) -> None:
    """Killed while a write is waited for and started again, the gateway gives its one outcome to the same call."""
    agreeing: list[asyncio.Task[None]] = []

    def agree(approval: Answer) -> None:
        agreeing.append(asyncio.create_task(mortal.agreed(approval.id)))

    async with mortal.client() as client, client.sessions.open(**WISH, scope=WIDE, on_wait=agree) as session:
        ((before,),) = await (await session.query(NOTE)).rows()
        await mortal.control("POST", "/switches", {"execution_delay_s": 5})
        waiting = asyncio.create_task(session.query(WRITE))
        await mortal.submitted("COALESCE")
        await mortal.kill()
        await mortal.again()
        assert await (await waiting).rows() == [(1, 0)]
        await mortal.control("POST", "/switches", {"execution_delay_s": 0})
        assert await (await session.query(NOTE)).rows() == [(f"{before or ''}+",)]
    await asyncio.gather(*agreeing)
    assert await mortal.submits("COALESCE") == 1


async def test_a_poll_outlives_the_gateway(mortal: Mortal) -> None:
    """Killed between two polls of a handle, the gateway answers the next one as if nothing had been."""
    async with mortal.client() as client, client.sessions.open(**WISH, scope=NARROW) as session:
        await mortal.control("POST", "/switches", {"execution_delay_s": 5})
        submitted = await session.execute_tool("snowflake_execute_query", {"statement": READ, "async": True})
        await mortal.submitted("polled")
        await mortal.kill()
        asking = asyncio.create_task(ended(session, submitted["statementHandle"]))
        await mortal.again()
        answer = await asking
        assert (answer.status, answer["data"]) == ("success", [["1003"]])
    assert await mortal.submits("polled") == 1


async def test_a_gateway_that_stays_away_is_told_with_the_handle(mortal: Mortal) -> None:
    """A client that gives up says by which handle to ask; after the restart that handle gives the one outcome."""

    async with mortal.client(Pace(first_s=0.01, limit_s=0.02, attempts=3)) as client:
        opening = client.sessions.open(**WISH, scope=NARROW, on_wait=lambda _: mortal.child.kill())
        with pytest.raises(errors.GatewayUnreachable) as lost:
            async with opening as session:
                await session.query(WRITE)
    await mortal.child.wait()
    assert lost.value.retryable
    handle = lost.value.details["statementHandle"]
    await mortal.again()
    await mortal.agreed(await mortal.question())
    async with mortal.client() as client:
        answer = await ended(client.actions, handle)
    assert (answer.status, answer["data"]) == ("success", [["1", "0"]])
    assert await mortal.submits("COALESCE") == 1
