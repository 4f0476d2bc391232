"""Unmodified MCP clients over real HTTP: the judges of this surface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from skipass.tools.catalogue import CATALOGUE
from surfaces.mcp.fake import AUTH, FakeBackend, query

pytestmark = pytest.mark.anyio
MODES = ["auto", "legacy", "2026-07-28"]


@asynccontextmanager
async def connected(url: str, mode: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=AUTH, timeout=20, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("mode", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")]
)
async def test_the_sdk_client_agrees_on_a_revision(url: str, mode: str, revision: str) -> None:
    """The SDK's client settles on the newest revision of the era it was told to speak."""
    async with connected(url, mode) as client:
        assert client.protocol_version == revision


@pytest.mark.parametrize("mode", MODES)
async def test_the_sdk_client_lists_every_tool(url: str, mode: str) -> None:
    """The SDK's client gets the whole catalogue in its order, with schemas and hints it can read."""
    async with connected(url, mode) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [spec.name for spec in CATALOGUE]
    assert [tool.input_schema for tool in tools] == [dict(spec.input_schema) for spec in CATALOGUE]
    assert {tool.annotations.read_only_hint for tool in tools if tool.annotations} == {True, False}


@pytest.mark.parametrize("mode", MODES)
async def test_the_sdk_client_calls_a_tool(url: str, mode: str) -> None:
    """A call comes back as text and as structured content that the client's own schema check accepts."""
    async with connected(url, mode) as client:
        await client.list_tools()
        result = await client.call_tool("snowflake_execute_query", {"statement": "SELECT 1"})
    assert not result.is_error
    assert result.structured_content["data"]["data"] == [["1001", "pending"], ["1002", None]]
    assert "1001 | pending" in result.content[0].text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("statement", "is_error"), [("UPDATE", False), ("DENIED", True)])
async def test_a_refusal_is_an_answer(url: str, mode: str, statement: str, is_error: bool) -> None:
    """A held statement is no error and a denied one is, and both are results a model can read."""
    async with connected(url, mode) as client:
        result = await client.call_tool("snowflake_execute_query", {"statement": statement})
    assert result.is_error is is_error
    assert result.structured_content["status"] in result.content[0].text


@pytest.mark.parametrize("mode", MODES)
async def test_a_bad_argument_is_an_answer(url: str, mode: str) -> None:
    """A misspelt argument is a result with code and hint, accepted by the client's own check of the output schema."""
    async with connected(url, mode) as client:
        await client.list_tools()
        result = await client.call_tool("snowflake_execute_query", {"sql": "SELECT 1"})
    assert result.is_error
    assert result.structured_content["code"] == "unknown_field"
    assert "Did you mean statement?" in result.content[0].text


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_tool_is_a_protocol_error(url: str, mode: str) -> None:
    """A tool that does not exist is -32602."""
    async with connected(url, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("snowflake_exec_query", {})
    assert caught.value.code == -32602


@pytest.mark.filterwarnings("ignore:ping is removed")
async def test_a_legacy_client_can_ping(url: str) -> None:
    """Ping is answered in the handshake era."""
    async with connected(url, "legacy") as client:
        await client.send_ping()


async def test_the_client_names_itself_in_the_call(url: str, backend: FakeBackend) -> None:
    """The backend learns what a stateless client calls itself."""
    async with connected(url, "auto") as client:
        await client.call_tool("snowflake_execute_query", query("SELECT 1")["arguments"])
    assert backend.calls[0][2].client_name == "mcp"
