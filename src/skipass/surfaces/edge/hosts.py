"""Host and Origin allow lists: the defence against DNS rebinding and against web pages that call a local gateway.

Source: MCP 2026-07-28, Streamable HTTP, Security; RFC 9110 7.4 (421 for a host this server does not answer for).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skipass.errors import SkipassError
from skipass.surfaces.edge.headers import Headers

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?P<port>:[0-9]{1,5})?", re.ASCII)
_ORIGIN = re.compile(r"(?P<scheme>https?://)(?P<host>.+)", re.ASCII)
_HINT = "Add it to the gateway's allow list if it is meant to be served."


def check_host(headers: Headers, allowed: Sequence[str]) -> None:
    """Pass when the request has one Host header and its host (with or without port) is allowed, else raise."""
    if not _admits((headers.get("host") or "").lower(), allowed):
        raise SkipassError("host_not_allowed", "The Host header is not one this gateway answers to.", _HINT)


def check_origin(headers: Headers, allowed: Sequence[str]) -> None:
    """Pass when no Origin was sent or it is allowed, else raise; `null` is never allowed."""
    if "origin" not in headers:
        return
    match = _ORIGIN.fullmatch((headers.get("origin") or "").lower())
    hosts = (
        [o.lower().removeprefix(match["scheme"]) for o in allowed if o.lower().startswith(match["scheme"])]
        if match
        else []
    )
    if match is None or not _admits(match["host"], hosts):
        raise SkipassError("host_not_allowed", "The Origin header is not one this gateway answers to.", _HINT)


def _admits(host: str, allowed: Sequence[str]) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    folded = {entry.lower() for entry in allowed}
    return host in folded or match["name"] in folded
