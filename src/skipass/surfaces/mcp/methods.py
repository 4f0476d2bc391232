"""The methods of both eras: which there are, and what every answer carries; nothing about how it travels.

Source: MCP 2026-07-28, Schema (DiscoverResult) and Utilities (Caching); MCP 2025-11-25, Lifecycle (Initialization).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skipass import __version__
from skipass.surfaces.mcp import resource_methods, tool_methods
from skipass.surfaces.mcp.exchange import Exchange, Json, Method
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Fault
from skipass.surfaces.mcp.ports import McpServer
from skipass.surfaces.mcp.revisions import META_SERVER, MODERN, Era, negotiated

_LIST_TTL_MS = 60_000
_FLEETING = frozenset({"resources/list", "resources/read"})
"""What a client may keep and has to ask for again each time: sessions open and end, and each read is on record."""
_UNCACHED = frozenset({"tools/call", "prompts/get", "completion/complete"})


async def _initialize(exchange: Exchange) -> Json:
    requested = exchange.params.get("protocolVersion")
    if not isinstance(requested, str):
        raise Fault(INVALID_PARAMS, "initialize needs protocolVersion, a string.")
    return {
        "protocolVersion": negotiated(requested),
        "capabilities": _capabilities(exchange),
        "serverInfo": _server_info(exchange.server),
        "instructions": exchange.server.instructions,
    }


async def _discover(exchange: Exchange) -> Json:
    return {
        "supportedVersions": list(MODERN),
        "capabilities": _capabilities(exchange),
        "instructions": exchange.server.instructions,
    }


def _capabilities(exchange: Exchange) -> Json:
    own: Json = {"tools": {"listChanged": False}}
    own |= {} if exchange.resources is None else {"resources": {"listChanged": False, "subscribe": False}}
    return {**own, **exchange.further.capabilities}


async def _ping(exchange: Exchange) -> Json:
    return {}


async def _list_prompts(exchange: Exchange) -> Json:
    resource_methods.refuse_cursor(exchange)
    return {"prompts": []}


async def _get_prompt(exchange: Exchange) -> Json:
    raise Fault(INVALID_PARAMS, "There is no such prompt.", hint="This server has tools only.")


_SHARED: Mapping[str, Method] = MappingProxyType(
    {"tools/list": tool_methods.list_tools, "tools/call": tool_methods.call_tool}
)
_RESOURCES: Mapping[str, Method] = MappingProxyType(
    {
        "resources/list": resource_methods.list_resources,
        "resources/templates/list": resource_methods.list_templates,
        "resources/read": resource_methods.read_resource,
    }
)
# Older clients ask for prompts and resources whatever a server declares; to them those lists are empty, not unknown.
_LEGACY: Mapping[str, Method] = MappingProxyType(
    {
        "initialize": _initialize,
        "ping": _ping,
        **_SHARED,
        **_RESOURCES,
        "prompts/list": _list_prompts,
        "prompts/get": _get_prompt,
    }
)
_MODERN: Mapping[str, Method] = MappingProxyType({"server/discover": _discover, **_SHARED})


async def answer(exchange: Exchange) -> Json:
    """Return the result of one request, in its era's form; raise -32601 for a method that era does not have."""
    served = methods_of(exchange)
    method = served.get(exchange.method)
    if method is None:
        raise Fault(METHOD_NOT_FOUND, "Method not found.", hint=f"Known: {', '.join(served)}.", status=404)
    result = await method(exchange)
    return _complete(result, exchange) if exchange.era is Era.MODERN else result


def methods_of(exchange: Exchange) -> Mapping[str, Method]:
    """Return what is served to a request: a stateless client is told of a capability, so only what is declared."""
    further = exchange.further.methods.get(exchange.era, {})
    if exchange.era is Era.LEGACY:
        return {**_LEGACY, **further}
    return {**_MODERN, **(_RESOURCES if exchange.resources is not None else {}), **further}


def _complete(result: Json, exchange: Exchange) -> Json:
    whole = {"resultType": "complete", **result, "_meta": {META_SERVER: _server_info(exchange.server)}}
    if exchange.method in _UNCACHED or whole["resultType"] != "complete":
        return whole
    ttl_ms = 0 if exchange.method in _FLEETING else _LIST_TTL_MS
    return whole | {"ttlMs": ttl_ms, "cacheScope": "private"}


def _server_info(server: McpServer) -> Json:
    return {"name": "skipass", "title": server.title, "version": __version__}
