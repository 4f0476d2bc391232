"""How REST answers leave a route: the edge's JSON and statuses, as the framework's response objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from skipass.errors import SkipassError
from skipass.surfaces.edge.answers import STATUS, refusal_headers
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.strict_json import to_json

JSON = "application/json"


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a complete JSON answer."""
    return Response(to_json(value), status, dict(headers or {}), JSON)


def empty() -> Response:
    """Return 204."""
    return Response(status_code=204)


def refusal(
    error: SkipassError, request: Headers, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `{"error": {…}}` with the status of the failure's kind, or `status`."""
    code = status or STATUS[error.kind]
    return reply({"error": error.as_dict()}, code, {**refusal_headers(code, request), **(headers or {})})
