"""How an answer leaves: JSON with its headers, and the one table from a failure's kind to an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from skipass.errors import Kind, SkipassError
from skipass.surfaces.edge.asgi import Send
from skipass.surfaces.edge.bearer import challenge
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.strict_json import to_json

STATUS: Mapping[Kind, int] = MappingProxyType(
    {
        Kind.INVALID: 400,
        Kind.UNAUTHENTICATED: 401,
        Kind.FORBIDDEN: 403,
        Kind.NOT_FOUND: 404,
        Kind.CONFLICT: 409,
        Kind.TOO_LARGE: 413,
        Kind.REFUSED: 422,
        Kind.INTERNAL: 500,
        Kind.UPSTREAM: 502,
        Kind.UNAVAILABLE: 503,
    }
)


async def send_json(send: Send, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
    """Send one complete JSON answer."""
    await _send(send, status, to_json(value), {"content-type": "application/json"} | dict(headers or {}))


async def send_empty(send: Send, status: int, headers: Mapping[str, str] | None = None) -> None:
    """Send an answer without a body."""
    await _send(send, status, b"", dict(headers or {}))


async def send_error(
    send: Send,
    error: SkipassError,
    *,
    request: Headers,
    status: int | None = None,
    resource_metadata: str | None = None,
    scope: str | None = None,
) -> None:
    """Send `{"error": {…}}` with the status of the failure's kind (or `status`), and a challenge with every 401.

    `scope` is what a client should ask for that finds its metadata at `resource_metadata`.
    """
    code = status or STATUS[error.kind]
    headers = refusal_headers(code, request, resource_metadata=resource_metadata, scope=scope)
    await send_json(send, code, {"error": error.as_dict()}, headers)


def refusal_headers(
    status: int, request: Headers, *, resource_metadata: str | None = None, scope: str | None = None
) -> dict[str, str]:
    """Return what RFC 9110 wants beside a status: `WWW-Authenticate` with a 401, nothing with most others.

    A 403 has one where the token lacks a `scope`. Source: RFC 6750 §3.1
    """
    if status == 403 and scope:
        asks = challenge(error="insufficient_scope", resource_metadata=resource_metadata, scope=scope)
        return {"www-authenticate": asks}
    if status != 401:
        return {}
    refused = "invalid_token" if "authorization" in request else None
    return {"www-authenticate": challenge(error=refused, resource_metadata=resource_metadata, scope=scope)}


async def _send(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
