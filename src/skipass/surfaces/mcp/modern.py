"""What a stateless request must carry, checked in the specification's order; the first failure is the answer.

Headers mirror the body so that a proxy may route on them; they are compared here and never used for a decision.
Source: MCP 2026-07-28, Streamable HTTP (Request Metadata, Server Validation) and Basic (`_meta`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import HEADER_MISMATCH, INVALID_PARAMS, Fault, Message
from skipass.surfaces.mcp.revisions import (
    META_CAPABILITIES,
    META_VERSION,
    MODERN,
    VERSION_HEADER,
    meta_of,
    routing_header,
    unsupported,
)

_ENCODED = re.compile(r"=\?base64\?(.*)\?=")
_NAMED: Mapping[str, str] = MappingProxyType({"tools/call": "name", "prompts/get": "name", "resources/read": "uri"})


def check_request(message: Message, headers: Headers) -> None:
    """Pass when the `_meta` is complete, the headers agree with the body and the revision is served, else raise."""
    meta = meta_of(message.params)
    missing = [key for key in (META_VERSION, META_CAPABILITIES) if key not in meta]
    if missing:
        raise Fault(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    if not isinstance(meta[META_CAPABILITIES], dict):
        raise Fault(INVALID_PARAMS, f"params._meta[{META_CAPABILITIES}] must be an object.")
    _same(headers, VERSION_HEADER, meta[META_VERSION])
    _same(headers, "mcp-method", message.method)
    _check_name(message, headers)
    if meta[META_VERSION] not in MODERN:
        raise unsupported(str(meta[META_VERSION]), MODERN)


def check_notification(message: Message, headers: Headers) -> None:
    """Pass when the notification's revision is served, else raise -32022; nothing else is asked of one."""
    version = routing_header(headers, VERSION_HEADER) or str(meta_of(message.params).get(META_VERSION))
    if version not in MODERN:
        raise unsupported(version, MODERN)


def _check_name(message: Message, headers: Headers) -> None:
    key = _NAMED.get(message.method)
    if key is None:
        return
    sent = routing_header(headers, "mcp-name")
    if sent is None or decoded(sent) != message.params.get(key):
        raise Fault(HEADER_MISMATCH, f"The header mcp-name is absent or is not the body's params.{key}")


def _same(headers: Headers, name: str, expected: object) -> None:
    if routing_header(headers, name) != expected:
        raise Fault(HEADER_MISMATCH, f"The header {name} is absent or does not agree with the body")


def decoded(value: str) -> str | None:
    """Return what a header's value stands for, taken out of its base64 wrapping; None when that is malformed."""
    match = _ENCODED.fullmatch(value)
    if match is None:
        return value
    try:
        raw = base64.b64decode(match[1], validate=True)
        return raw.decode("utf-8") if base64.b64encode(raw).decode("ascii") == match[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None
