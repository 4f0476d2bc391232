"""JSON-RPC as MCP uses it: one message in, one result or fault out.

Source: JSON-RPC 2.0; MCP 2026-07-28, Basic (Messages, Error Codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skipass.errors import Kind, SkipassError
from skipass.surfaces.edge.answers import STATUS

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
"""Of the older revisions only; the stateless one answers -32602."""
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

_MAX_ID = 2**53 - 1
_BY_KIND = {Kind.INVALID: INVALID_PARAMS, Kind.INTERNAL: INTERNAL_ERROR, Kind.UNAVAILABLE: INTERNAL_ERROR}
_HINTS = {
    INVALID_REQUEST: "Send one JSON-RPC 2.0 message in one POST.",
    INVALID_PARAMS: "Send the params that the method has in the revision you speak.",
    HEADER_MISMATCH: "Make the header from the body, send it once, and let no proxy change it.",
}


class Fault(Exception):
    """A request answered with a JSON-RPC error; `cause` is the same in skipass's own words.

    `status` is the HTTP status. `recorded` is true when the backend itself refused, and so has written it down.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        hint: str = "",
        status: int = 400,
        data: Mapping[str, Any] | None = None,
        cause: SkipassError | None = None,
        recorded: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.recorded = recorded
        self.cause = cause or SkipassError("invalid_request", message, hint or _HINTS.get(code, ""))
        self.data = {k: v for k, v in self.cause.as_dict().items() if k != "message"} | dict(data or {})

    def in_legacy(self) -> Fault:
        """Return the fault as older clients take it: what a method answers, errors too, is HTTP 200 to them."""
        if self.code in (METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR, RESOURCE_NOT_FOUND):
            self.status = 200
        return self

    def answer(self, message_id: str | int | None, request_id: str | None = None) -> dict[str, Any]:
        """Return the JSON-RPC error object."""
        found_by = {} if request_id is None else {"request_id": request_id}
        error = {"code": self.code, "message": self.cause.message, "data": self.data | found_by}
        return {"jsonrpc": "2.0", "id": message_id, "error": error}


def fault_of(error: SkipassError) -> Fault:
    """Return the JSON-RPC form of a failure the backend raised that is not a tool's answer."""
    code = _BY_KIND.get(error.kind, INVALID_REQUEST)
    return Fault(code, error.message, status=STATUS[error.kind], cause=error, recorded=True)


@dataclass(frozen=True, slots=True)
class Message:
    """One request, or one notification where `id` is None."""

    method: str
    params: Mapping[str, Any]
    id: str | int | None


def message_from(value: object) -> Message:
    """Return the message a JSON value is, or raise -32600 (not one message) or -32602 (params not an object)."""
    if not isinstance(value, dict):
        raise Fault(INVALID_REQUEST, "The body must be one JSON-RPC message.", hint="Send one request per POST.")
    if value.get("jsonrpc") != "2.0" or not isinstance(value.get("method"), str):
        raise Fault(INVALID_REQUEST, "Not a JSON-RPC 2.0 request or notification.", hint='Needed: "jsonrpc", "method".')
    if "id" in value and id_of(value) is None:
        raise Fault(INVALID_REQUEST, "The id must be a string or an integer.")
    params = value.get("params", {})
    if not isinstance(params, dict):
        raise Fault(INVALID_PARAMS, "params must be an object.")
    return Message(value["method"], params, id_of(value))


def id_of(value: object) -> str | int | None:
    """Return the id of a message if it has one that can be echoed."""
    found = value.get("id") if isinstance(value, dict) else None
    if isinstance(found, str) and len(found) <= 1024:
        return found
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) <= _MAX_ID:
        return found
    return None
