"""The two front doors the story uses: an unmodified MCP client for the agent, REST for the person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


class AgentDoor:
    """What an agent can do: list tools and call them."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name

    async def tools(self) -> list[str]:
        """Return the names of the tools."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the envelope of one tool call."""
        result = await self._client.call_tool(tool, arguments)
        envelope: dict[str, Any] = dict(result.structured_content or {})
        return envelope


@asynccontextmanager
async def agent_door(url: str, key: str) -> AsyncIterator[AgentDoor]:
    """Yield an MCP client connected to a slug with an agent's key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield AgentDoor(client, f"mcp Python SDK, revision {client.protocol_version}")


class PersonDoor:
    """What an approver can do: read a card, decide, read a session's record."""

    def __init__(self, http: aiohttp.ClientSession, url: str, name: str) -> None:
        self._http, self._url, self.name = http, f"{url}/api/v1", name

    async def card(self, approval_id: str) -> dict[str, Any]:
        """Return everything an approver decides on."""
        return await self._json("GET", f"/approvals/{approval_id}")

    async def approve(self, approval_id: str, reason: str) -> dict[str, Any]:
        """Approve, with a reason."""
        return await self._json("POST", f"/approvals/{approval_id}/approve", {"reason": reason})

    async def record(self, session_id: str) -> dict[str, Any]:
        """Return what one session left."""
        return await self._json("GET", f"/sessions/{session_id}/record")

    async def runs(self, session_id: str, statement_id: str) -> int:
        """Return how often a statement was sent to Snowflake, as the record has it."""
        events = (await self.record(session_id))["events"]
        return sum(e["kind"] == "statement.submitted" and e["subject"] == statement_id for e in events)

    async def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        async with self._http.request(method, self._url + path, json=body) as answer:
            told: dict[str, Any] = await answer.json()
            return told


@asynccontextmanager
async def person_door(url: str, key: str, name: str) -> AsyncIterator[PersonDoor]:
    """Yield an approver's door."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        yield PersonDoor(http, url, name)
