"""The catalogue through an unmodified MCP client, which holds each structured answer against its output schema."""

from __future__ import annotations

import csv
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from gateways import Stage, served
from skipass.tools.catalogue import CATALOGUE

pytestmark = pytest.mark.anyio
OPS = {"database": "ops_db", "schema": "ops"}


async def test_a_client_lists_and_calls_the_whole_catalogue(at: Stage) -> None:
    """One page lists every tool; answers come structured and as text in the layout asked for; a wrong call says how."""
    async with (
        served(at) as url,
        httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {at.keys['agent']['api_key']}"}, timeout=60, trust_env=False
        ) as http,
        Client(streamable_http_client(f"{url}/jit/mcp", http_client=http)) as client,
    ):
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [spec.name for spec in CATALOGUE]
        assert listed.next_cursor is None
        await at.session()
        answer = await client.call_tool("snowflake_get_tables", OPS)
        assert not answer.is_error
        assert "TABLE_SCHEMA | TABLE_NAME | " in text(answer).replace("TABLE_CATALOG | ", "")
        told = await client.call_tool("snowflake_get_columns", {**OPS, "table": "orders", "format": "csv"})
        lines = text(told).split("\n")
        fence = next(at for at, line in enumerate(lines) if line.startswith("--- data"))
        names = [row["COLUMN_NAME"] for row in csv.DictReader(lines[fence + 1 : lines.index(lines[fence], fence + 1)])]
        assert names[:2] == ["ORDER_ID", "CUSTOMER_ID"]
        assert told.structured_content is not None
        assert told.structured_content["status"] == "success"
        wrong = await client.call_tool("snowflake_get_columns", {**OPS, "tabel": "orders"})
        assert wrong.is_error
        assert "Did you mean table?" in text(wrong)


def text(answer: Any) -> str:
    """Return the text a model reads."""
    return str(answer.content[0].text)
