"""`tools/list` and `tools/call`: pages of tools, and an envelope as a tool's result.

Source: MCP 2026-07-28, Tools and Utilities (Pagination).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from skipass.errors import Kind, SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.surfaces.edge.refusals import envelope_of
from skipass.surfaces.mcp.elicitation import Elicitation
from skipass.surfaces.mcp.exchange import Exchange, Json
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, Fault
from skipass.surfaces.mcp.mirrored import check_mirrored
from skipass.surfaces.mcp.revisions import Era
from skipass.tools.blocks import shown_blocks
from skipass.tools.text import text_of

PAGE_TOOLS = 200
_MOST_CURSOR_CHARS = 400
_ANSWERS = frozenset({Status.SUCCESS, Status.RUNNING, Status.APPROVAL_REQUIRED})


async def list_tools(exchange: Exchange) -> Json:
    """Return one page of the tools; the cursor names the last one of it, so that a changed list skips none twice."""
    tools = await exchange.backend.list_tools(exchange.principal, exchange.server.slug)
    start = _after(tools, exchange.params.get("cursor"))
    page = list(tools[start : start + PAGE_TOOLS])
    more = start + PAGE_TOOLS < len(tools)
    return {"tools": page} | ({"nextCursor": _cursor(str(page[-1]["name"]))} if more else {})


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _after(tools: Sequence[Mapping[str, Any]], cursor: object) -> int:
    if cursor is None:
        return 0
    for index, tool in enumerate(tools if isinstance(cursor, str) and len(cursor) <= _MOST_CURSOR_CHARS else ()):
        if _cursor(str(tool["name"])) == cursor:
            return index + 1
    raise Fault(INVALID_PARAMS, "Unknown cursor.", hint="Begin again without a cursor: the list has changed.")


async def call_tool(exchange: Exchange) -> Json:
    """Return the result of one call; raise -32602 for a tool that does not exist, -32020 for a header that differs."""
    name, arguments = exchange.params.get("name"), exchange.params.get("arguments")
    if not isinstance(name, str):
        raise Fault(INVALID_PARAMS, "tools/call needs name, a string.")
    given = {} if arguments is None else arguments
    if not isinstance(given, dict):
        raise Fault(INVALID_PARAMS, "arguments must be an object.")
    if exchange.era is Era.MODERN:
        schema = await exchange.backend.input_schema(exchange.principal, exchange.server.slug, name)
        check_mirrored(schema or {}, given, exchange.headers)
    return await _result(exchange, name, given)


async def _result(exchange: Exchange, name: str, arguments: Mapping[str, Any]) -> Json:
    """Return the result of a call, or the question that its user has to answer first."""
    elicitation = Elicitation(exchange, name, arguments)
    declined = await elicitation.come_back()
    if declined is not None:
        await exchange.backend.record_refusal(exchange.principal, exchange.server.slug, declined, exchange.call)
        return tool_result(envelope_of(declined, exchange.call.request_id))
    envelope = await _envelope(exchange, name, arguments)
    waits = envelope.status is Status.CONSENT_REQUIRED
    return (elicitation.question(envelope.fields) if waits else None) or tool_result(envelope)


async def _envelope(exchange: Exchange, name: str, arguments: Mapping[str, Any]) -> Envelope:
    try:
        return await exchange.backend.call_tool(
            exchange.principal, exchange.server.slug, name, arguments, exchange.call
        )
    except SkipassError as error:
        if error.code == "unknown_tool":
            raise Fault(INVALID_PARAMS, error.message, cause=error, recorded=True) from None
        if error.kind is Kind.UNAUTHENTICATED or error.code == "insufficient_scope":
            raise
        return envelope_of(error, exchange.call.request_id)


def tool_result(envelope: Envelope) -> Json:
    """Return an envelope as a CallToolResult.

    Of our own tools: the whole envelope as structured content, a short form as text. Of an upstream's: its blocks,
    their text bounded, and its structured result where it gave one.
    """
    is_error = envelope.status not in _ANSWERS
    if envelope.content is None:
        text = {"type": "text", "text": text_of(envelope)}
        return {"content": [text], "structuredContent": envelope.as_dict(), "isError": is_error}
    structured = {} if envelope.data is None else {"structuredContent": dict(envelope.data)}
    return {"content": shown_blocks(envelope.content), **structured, "isError": is_error}
