"""A held call of a relayed tool, put together again when it was approved: with the slug and the pin as they are now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.ports import Reader
from skipass.gateway.relay_judging import SQL_ARGUMENT, RelayedCall
from skipass.nouns.connection import McpServer, Switch
from skipass.nouns.mcp_tool import McpTool, ToolType
from skipass.nouns.statement import Intent


def call_words(intent: Intent) -> str:
    """Return what an approval's card says of a held call, for people."""
    call = intent.call or {}
    if call["type"] == ToolType.SQL.value:
        return f"Runs the text by the tool {call['tool']} of a managed MCP server, which only reads."
    known = "searches or asks" if call["type"] in (ToolType.SEARCH, ToolType.ANALYST) else "may change anything"
    return f"Calls the tool {call['tool']} ({call['type']}) of a managed MCP server, which {known} within its role."


async def call_again(reader: Reader, intent: Intent) -> RelayedCall:
    """Return the call of an approved intent; raises `withdrawn` where its slug or its tool is another one now."""
    call: dict[str, Any] = dict(intent.call or {})
    server = await reader.get(McpServer, call["server"], state=Switch.ENABLED)
    found = await reader.find(McpTool, server_id=call["server"], name=call["tool"], limit=1)
    if server is None or server.upstream != call["url"]:
        raise SkipassError("withdrawn", "The relay is closed, or leads elsewhere.")
    if not found or found[0].current_hash != call["hash"] or found[0].type.value != call["type"]:
        raise SkipassError("withdrawn", "The tool is not the one that was approved.")
    again = RelayedCall(server, found[0], call["arguments"])
    return replace(again, arguments={**call["arguments"], SQL_ARGUMENT: intent.text}) if again.is_sql else again
