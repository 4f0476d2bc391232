"""`resources/list`, `resources/templates/list` and `resources/read`: over the port, or empty where there is none.

Source: MCP 2026-07-28 and 2025-11-25, Resources.
"""

from __future__ import annotations

from skipass.errors import Kind, SkipassError
from skipass.surfaces.mcp.elicitation import Elicitation
from skipass.surfaces.mcp.exchange import Exchange, Json
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND, Fault
from skipass.surfaces.mcp.revisions import Era

_MOST_CURSOR_CHARS = 1_000
_MOST_URI_CHARS = 2_000
_HERE = "This server has tools only."


async def list_resources(exchange: Exchange) -> Json:
    """Return one page of resources."""
    cursor = exchange.params.get("cursor")
    if cursor is not None and not (isinstance(cursor, str) and len(cursor) <= _MOST_CURSOR_CHARS):
        raise Fault(INVALID_PARAMS, "Unknown cursor.")
    if exchange.resources is None:
        return {"resources": []}
    listed, following = await exchange.resources.list_resources(exchange.principal, exchange.server.slug, cursor)
    return {"resources": [dict(one) for one in listed]} | ({} if following is None else {"nextCursor": following})


async def list_templates(exchange: Exchange) -> Json:
    """Return every template of a resource's address."""
    refuse_cursor(exchange)
    if exchange.resources is None:
        return {"resourceTemplates": []}
    templates = await exchange.resources.list_templates(exchange.principal, exchange.server.slug)
    return {"resourceTemplates": [dict(one) for one in templates]}


async def read_resource(exchange: Exchange) -> Json:
    """Return what a resource holds; raise the error for one that is not there, with its address."""
    uri = exchange.params.get("uri")
    if not isinstance(uri, str) or len(uri) > _MOST_URI_CHARS:
        raise Fault(INVALID_PARAMS, f"resources/read needs uri, a string of at most {_MOST_URI_CHARS:,} characters.")
    if exchange.resources is None:
        raise _not_found(exchange, uri, SkipassError("not_found", "There is no such resource.", _HERE), recorded=False)
    elicitation = Elicitation(exchange, uri)
    declined = await elicitation.come_back()
    if declined is not None:
        await exchange.backend.record_refusal(exchange.principal, exchange.server.slug, declined, exchange.call)
        raise declined
    try:
        contents = await exchange.resources.read_resource(exchange.principal, exchange.server.slug, uri, exchange.call)
    except SkipassError as error:
        question = elicitation.question(error.details) if error.code == "consent_required" else None
        if question is not None:
            return question
        if error.kind is not Kind.NOT_FOUND:
            raise
        raise _not_found(exchange, uri, error, recorded=True) from None
    return {"contents": [dict(one) for one in contents]}


def _not_found(exchange: Exchange, uri: str, error: SkipassError, *, recorded: bool) -> Fault:
    code = INVALID_PARAMS if exchange.era is Era.MODERN else RESOURCE_NOT_FOUND
    return Fault(code, error.message, data={"uri": uri}, cause=error, recorded=recorded)


def refuse_cursor(exchange: Exchange) -> None:
    """Pass when the request asks for the first page of a list that has only one, else raise -32602."""
    if exchange.params.get("cursor") is not None:
        raise Fault(INVALID_PARAMS, "Unknown cursor: the list fits one page.")
