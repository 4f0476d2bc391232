"""Media types: JSON in; JSON out, or a stream of events for a client that names it.

Source: MCP 2026-07-28 and 2025-11-25, Streamable HTTP (Sending Messages); RFC 9110 12.5.1 (Accept), 15.5.16 (415).
"""

from __future__ import annotations

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import INVALID_REQUEST, Fault

_ACCEPTED = frozenset({"application/json", "application/*", "*/*"})


def check_media(headers: Headers) -> None:
    """Pass when the body is JSON and the client takes JSON, else raise with HTTP 415 or 406."""
    if _types(headers.all("content-type")) != {"application/json"}:
        raise Fault(INVALID_REQUEST, "The body must be application/json.", hint="Set Content-Type.", status=415)
    accepted = _types(headers.all("accept"))
    if accepted and not accepted & _ACCEPTED:
        raise Fault(INVALID_REQUEST, "The answer is application/json.", hint="Set Accept.", status=406)


def takes_stream(headers: Headers) -> bool:
    """Return whether the client says that it reads event streams; a bare `*/*` does not say so."""
    return "text/event-stream" in _types(headers.all("accept"))


def _types(values: list[str]) -> set[str]:
    return {part.split(";")[0].strip().lower() for value in values for part in value.split(",") if part.strip()}
