"""The record over REST, and the tools by name."""

from __future__ import annotations

from starlette.responses import Response

from skipass.gateway.views import record_view
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.tools.catalogue import CATALOGUE, ToolSpec

router = routes(CallerRoute)


@router.get("/events", response_model=shapes.Page[shapes.Event], summary="Read the record", tags=["events"])
async def list_events(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """Return the tenant's events in order of time, each with its place in the hash chain; for admins and auditors."""
    after = paging.EVENTS.after(cursor)
    found = await gateway.events.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda record: str(record_view(record)["cursor"]), record_view))


@router.get("/tools", response_model=shapes.Page[shapes.Tool], summary="List the tools", tags=["tools"])
async def list_tools(caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None) -> Response:
    """Return every tool with the JSON Schemas of its input and output, in a fixed order."""
    names = [spec.name for spec in CATALOGUE]
    after = paging.TOOLS.after(cursor)
    first = names.index(after) + 1 if after in names else 0
    return reply(paging.page(CATALOGUE[first : first + limit + 1], limit, lambda spec: spec.name, _tool))


def _tool(spec: ToolSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "input_schema": spec.input_schema,
        "output_schema": spec.output_schema,
        "annotations": spec.annotations,
    }
