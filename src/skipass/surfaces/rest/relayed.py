"""Tools of relays over REST: what is pinned, what the upstream shows now, and what admins decide about each."""

from __future__ import annotations

from starlette.responses import Response

from skipass.gateway.views import pin_view
from skipass.nouns.mcp_tool import ToolRule
from skipass.surfaces.rest.bodies import Segment
from skipass.surfaces.rest.relayed_bodies import Pinned, PinnedTool, PinnedTools, Ruled, Told
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

router = routes(CallerRoute, "mcp-servers")
_TOOL = "/mcp-servers/{slug}/tools/{tool}"


@router.get("/mcp-servers/{slug}/tools", response_model=PinnedTools, summary="List a relay's tools")
async def list_pins(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """List the tools of a relay as they are pinned; nothing is asked of the upstream."""
    return reply({"items": [pin_view(one) for one in await gateway.relays.tools(caller, slug)]})


@router.post("/mcp-servers/{slug}/look", response_model=PinnedTools, summary="Look at a relay's tools now")
async def look_at_tools(slug: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Look at the upstream by your own account, and list the tools with what has changed since they were pinned."""
    return reply({"items": [pin_view(one) for one in await gateway.relays.tools(caller, slug, look=True)]})


@router.post(f"{_TOOL}/pin", response_model=PinnedTool, summary="Pin a tool")
async def pin_tool(slug: Segment, tool: Segment, body: Pinned, gateway: TheGateway, caller: Caller) -> Response:
    """Take a new or changed tool as it is seen now; `conflict` if it is not the one that was looked at."""
    return reply(pin_view(await gateway.relays.pin(caller, slug, tool, body.hash)))


@router.post(f"{_TOOL}/rule", response_model=PinnedTool, summary="Rule a tool")
async def rule_tool(slug: Segment, tool: Segment, body: Ruled, gateway: TheGateway, caller: Caller) -> Response:
    """Decide what becomes of calls of a tool, by that very hash."""
    return reply(pin_view(await gateway.relays.rule(caller, slug, tool, body.hash, ToolRule(body.rule))))


@router.post(f"{_TOOL}/declare", response_model=PinnedTool, summary="Declare a tool")
async def declare_tool(slug: Segment, tool: Segment, body: Told, gateway: TheGateway, caller: Caller) -> Response:
    """Say what a tool is, where nobody may DESCRIBE the server, and pin it so."""
    return reply(pin_view(await gateway.relays.declare(caller, slug, tool, body.hash, body.facts())))
