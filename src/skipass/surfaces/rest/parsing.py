"""From bytes to one strict JSON object, and from header and body to the one identifier they agree on."""

from __future__ import annotations

from typing import Any

from skipass.errors import SkipassError
from skipass.surfaces.edge.bearer import identifier_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.edge.strict_json import parse_json


def parsed(body: bytes, headers: Headers, settings: EdgeSettings) -> Any:
    """Return the JSON value of a body, None for an empty one; raises `invalid_request` for anything else."""
    if not body:
        return None
    media = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise SkipassError("invalid_request", "The body must be application/json.", "Set Content-Type.")
    return parse_json(body, max_depth=settings.max_json_depth, max_tokens=settings.max_json_tokens)


def identifier_of(headers: Headers, body: Any) -> str | None:
    """Return whom the call names, in the header or as `identifier` in the body; `invalid_request` when they differ.

    A body whose `identifier` is no text names nobody here: checking its fields comes later.
    """
    said = identifier_from(headers)
    named = body.get("identifier") if isinstance(body, dict) else None
    if not isinstance(named, str):
        return said
    if said is not None and said != named:
        message = "identifier and the header Skipass-Identifier name different users."
        raise SkipassError("invalid_request", message, "Send one of them.")
    return named
