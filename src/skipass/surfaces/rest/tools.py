"""The tools by name over REST."""

from __future__ import annotations

from starlette.responses import Response

from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import SharedRoute, routes
from skipass.tools.catalogue import CATALOGUE, ToolSpec

router = routes(SharedRoute, "tools")


@router.get("/tools", response_model=shapes.Page[shapes.Tool], summary="List the tools")
async def list_tools(limit: paging.Limit = 50, cursor: paging.Cursor = None) -> Response:
    """Return every tool with the JSON Schemas of its input and output, in a fixed order.

    The same for every caller, so an agent that acts for several users names none.
    """
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
