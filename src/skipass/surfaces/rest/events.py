"""The record over REST."""

from __future__ import annotations

from starlette.responses import Response

from skipass.gateway.views import record_view
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes

router = routes(CallerRoute, "events")


@router.get("/events", response_model=shapes.Page[shapes.Event], summary="Read the record")
async def list_events(
    gateway: TheGateway, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Response:
    """Return the tenant's events in order of time, each with its place in the hash chain; for admins and auditors."""
    after = paging.EVENTS.after(cursor)
    found = await gateway.events.list(caller, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda record: str(record_view(record)["cursor"]), record_view))
