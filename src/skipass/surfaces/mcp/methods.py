"""The methods of both eras: what each answers, and nothing about how it travels.

Source: MCP 2026-07-28, Schema (DiscoverResult, ListToolsResult, CallToolResult) and Utilities (Caching);
MCP 2025-11-25, Lifecycle (Initialization).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from skipass import __version__
from skipass.errors import Kind, SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.refusals import envelope_of
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Message
from skipass.surfaces.mcp.ports import McpServer, ToolBackend
from skipass.surfaces.mcp.revisions import META_SERVER, MODERN, Era, negotiated
from skipass.tools.call import CallContext
from skipass.tools.catalogue import ToolSpec
from skipass.tools.text import text_of

Json: TypeAlias = dict[str, Any]

_LIST_TTL_MS = 60_000
_CAPABILITIES: Mapping[str, Any] = MappingProxyType({"tools": {"listChanged": False}})
_ANSWERS = frozenset({Status.SUCCESS, Status.RUNNING, Status.APPROVAL_REQUIRED})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with everything known about it."""

    backend: ToolBackend
    principal: Principal
    server: McpServer
    call: CallContext
    params: Mapping[str, Any]


Method: TypeAlias = Callable[[Exchange], Coroutine[Any, Any, Json]]


async def _initialize(exchange: Exchange) -> Json:
    requested = exchange.params.get("protocolVersion")
    if not isinstance(requested, str):
        raise Fault(INVALID_PARAMS, "initialize needs protocolVersion, a string.")
    return {
        "protocolVersion": negotiated(requested),
        "capabilities": dict(_CAPABILITIES),
        "serverInfo": _server_info(exchange.server),
        "instructions": exchange.server.instructions,
    }


async def _discover(exchange: Exchange) -> Json:
    return {
        "supportedVersions": list(MODERN),
        "capabilities": dict(_CAPABILITIES),
        "instructions": exchange.server.instructions,
    }


async def _ping(exchange: Exchange) -> Json:
    return {}


async def _list_tools(exchange: Exchange) -> Json:
    _refuse_cursor(exchange)
    tools = await exchange.backend.list_tools(exchange.principal, exchange.server.slug)
    return {"tools": [wire_tool(spec) for spec in tools]}


def _nothing(member: str) -> Method:
    async def empty(exchange: Exchange) -> Json:
        _refuse_cursor(exchange)
        return {member: []}

    return empty


async def _call_tool(exchange: Exchange) -> Json:
    name, arguments = exchange.params.get("name"), exchange.params.get("arguments")
    if not isinstance(name, str):
        raise Fault(INVALID_PARAMS, "tools/call needs name, a string.")
    if not isinstance(arguments if arguments is not None else {}, dict):
        raise Fault(INVALID_PARAMS, "arguments must be an object.")
    return tool_result(await _envelope(exchange, name, arguments or {}))


async def _envelope(exchange: Exchange, name: str, arguments: Mapping[str, Any]) -> Envelope:
    try:
        return await exchange.backend.call_tool(
            exchange.principal, exchange.server.slug, name, arguments, exchange.call
        )
    except SkipassError as error:
        if error.code == "unknown_tool":
            raise Fault(INVALID_PARAMS, error.message, cause=error, recorded=True) from None
        if error.kind is Kind.UNAUTHENTICATED:
            raise
        return envelope_of(error, exchange.call.request_id)


# Older clients ask for prompts and resources whatever a server declares; to them those lists are empty, not unknown.
_METHODS: Mapping[Era, Mapping[str, Method]] = MappingProxyType(
    {
        Era.LEGACY: {
            "initialize": _initialize,
            "ping": _ping,
            "tools/list": _list_tools,
            "tools/call": _call_tool,
            "prompts/list": _nothing("prompts"),
            "resources/list": _nothing("resources"),
            "resources/templates/list": _nothing("resourceTemplates"),
        },
        Era.MODERN: {"server/discover": _discover, "tools/list": _list_tools, "tools/call": _call_tool},
    }
)


async def answer(message: Message, era: Era, exchange: Exchange) -> Json:
    """Return the result of one request, in its era's form; raise -32601 for a method that era does not have."""
    method = _METHODS[era].get(message.method)
    if method is None:
        raise Fault(METHOD_NOT_FOUND, "Method not found.", hint=f"Known: {', '.join(_METHODS[era])}.", status=404)
    result = await method(exchange)
    return _complete(result, message.method, exchange.server) if era is Era.MODERN else result


def _complete(result: Json, method: str, server: McpServer) -> Json:
    whole = {"resultType": "complete", **result, "_meta": {META_SERVER: _server_info(server)}}
    return whole if method == "tools/call" else whole | {"ttlMs": _LIST_TTL_MS, "cacheScope": "private"}


def _server_info(server: McpServer) -> Json:
    return {"name": "skipass", "title": server.title, "version": __version__}


def _refuse_cursor(exchange: Exchange) -> None:
    if exchange.params.get("cursor") is not None:
        raise Fault(INVALID_PARAMS, "Unknown cursor: the list fits one page.")


def wire_tool(spec: ToolSpec) -> Json:
    """Return a tool as `tools/list` shows it."""
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "inputSchema": spec.input_schema,
        "outputSchema": spec.output_schema,
        "annotations": spec.annotations,
    }


def tool_result(envelope: Envelope) -> Json:
    """Return an envelope as a CallToolResult: the whole of it as structured content, a short form as text."""
    return {
        "content": [{"type": "text", "text": text_of(envelope)}],
        "structuredContent": envelope.as_dict(),
        "isError": envelope.status not in _ANSWERS,
    }
