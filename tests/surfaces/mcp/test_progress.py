"""A long statement over MCP: what its client hears meanwhile, and what leaving does to it in Snowflake."""

from __future__ import annotations

import json
from typing import Any, Literal

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from gateways import Stage, served
from skipass.nouns.statement import Statement
from skipass.surfaces.edge.settings import EdgeSettings
from surfaces.mcp.fake import META, headers_for, modern

pytestmark = pytest.mark.anyio
TOOL = "snowflake_execute_query"
QUERY = {"statement": "SELECT COUNT(*) AS N FROM OPS_DB.OPS.ORDERS"}
OFTEN = EdgeSettings(progress_s=0.02, keep_alive_s=0.02)


def bearer(at: Stage) -> dict[str, str]:
    return {"authorization": f"Bearer {at.keys['agent']['api_key']}"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_hears_that_its_statement_runs(at: Stage, mode: Literal["auto", "legacy"]) -> None:
    """While Snowflake works the official client gets ever higher seconds, and then the rows."""
    await at.session()
    at.sandbox.control.switches(execution_delay_s=0.5)
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with (
        served(at, edge=OFTEN) as url,
        httpx2.AsyncClient(headers=bearer(at), timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/jit/mcp", http_client=http), mode=mode) as client,
    ):
        answer = await client.call_tool(TOOL, QUERY, progress_callback=hear)
    assert not answer.is_error
    assert heard
    seconds = [one[0] for one in heard]
    assert seconds == sorted(set(seconds))
    assert {(total, str(message).split(" after")[0]) for _, total, message in heard} == {(None, "Still running")}


async def test_a_client_that_leaves_its_stream_ends_its_statement(at: Stage) -> None:
    """Closing the stream before it was answered cancels the statement in Snowflake."""
    await at.session()
    at.sandbox.control.switches(execution_delay_s=20)
    body: Any = modern("tools/call", {"name": TOOL, "arguments": QUERY}, meta=META | {"progressToken": 1})
    headers = headers_for(body) | {"accept": "application/json, text/event-stream"} | bearer(at)
    async with served(at, edge=OFTEN) as url:
        async with (
            httpx2.AsyncClient(timeout=60, trust_env=False) as client,
            client.stream("POST", f"{url}/jit/mcp", json=body, headers=headers) as stream,
        ):
            assert (await submitted(at, stream))["method"] == "notifications/progress"
        (statement,) = [one for one in await at.every(Statement) if not one.system]
        assert (await at.settled(statement.id)).status.value == "cancelled"


async def submitted(at: Stage, stream: httpx2.Response) -> Any:
    """Read progress until the statement has reached Snowflake, and return the last of it."""
    async for line in stream.aiter_lines():
        if line.startswith("data: ") and any(one.handle for one in await at.every(Statement)):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")
