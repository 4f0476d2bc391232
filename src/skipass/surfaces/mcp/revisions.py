"""Protocol revisions, and how a request says which one it speaks.

Source: MCP 2026-07-28, Versioning (Backward Compatibility); MCP 2025-11-25, Lifecycle (Version Negotiation) and
Transports (Protocol Version Header).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp import jsonrpc

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
VERSION_HEADER = "mcp-protocol-version"
META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_CLIENT = "io.modelcontextprotocol/clientInfo"
META_SERVER = "io.modelcontextprotocol/serverInfo"


class Era(StrEnum):
    """`modern`: every request describes itself. `legacy`: a handshake chose the revision."""

    MODERN = "modern"
    LEGACY = "legacy"


def era_of(headers: Headers, params: Mapping[str, Any]) -> Era:
    """Return the era of a request by its version header and its `_meta`.

    Raises -32020 when the header is repeated, -32022 when it names a revision that is not served.
    """
    version = routing_header(headers, VERSION_HEADER)
    if version in MODERN or META_VERSION in meta_of(params):
        return Era.MODERN
    if version is None or version in LEGACY:
        return Era.LEGACY
    raise unsupported(version, (*MODERN, *LEGACY))


def negotiated(requested: str) -> str:
    """Return the revision `initialize` answers: the requested one if it is served, else the newest of its era."""
    return requested if requested in LEGACY else LEGACY[0]


def unsupported(requested: str, served: Sequence[str]) -> jsonrpc.Fault:
    """Return the fault for a revision that is not among those served in the request's era."""
    return jsonrpc.Fault(
        jsonrpc.UNSUPPORTED_VERSION,
        "Unsupported protocol version",
        hint=f"Use {', '.join(MODERN)}, or initialize with one of {', '.join(LEGACY)}.",
        data={"supported": list(served), "requested": requested[:64]},
    )


def meta_of(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `params._meta` when it is an object, else an empty one."""
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def routing_header(headers: Headers, name: str) -> str | None:
    """Return the one value of a header that routes a request; two copies could be read two ways: a fault."""
    values = headers.all(name)
    if len(values) > 1:
        raise jsonrpc.Fault(jsonrpc.HEADER_MISMATCH, f"The header {name} was sent more than once")
    return values[0] if values else None
