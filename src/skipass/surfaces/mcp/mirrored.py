"""Arguments that a client mirrors into `Mcp-Param-*` headers, as the tool's own schema asks with `x-mcp-header`.

A proxy may route on such a header, so it has to say what the body says; nothing is ever decided by it here.
Source: MCP 2026-07-28, Streamable HTTP (Custom Headers from Tool Parameters, Server Validation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import HEADER_MISMATCH, Fault
from skipass.surfaces.mcp.modern import decoded
from skipass.surfaces.mcp.revisions import routing_header

_MARK = "x-mcp-header"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}", re.ASCII)
_DECIMAL = re.compile(r"(-?[0-9]{1,300})(?:\.0{1,300})?", re.ASCII)
_MIRRORABLE = ("string", "integer", "boolean")
_MOST_DEPTH = 8


def check_mirrored(schema: Mapping[str, Any], arguments: Mapping[str, Any], headers: Headers) -> None:
    """Pass when each marked argument and its header are both absent or say the same, else raise -32020.

    An argument of null counts as absent. Marks that no client honours (on an object, in an array) ask for nothing.
    """
    for path, name in _marked(schema, ()):
        _check(f"mcp-param-{name.lower()}", _value(arguments, path), headers)


def _marked(schema: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or len(path) >= _MOST_DEPTH:
        return
    for key, inner in properties.items():
        mark = inner.get(_MARK) if isinstance(inner, Mapping) else None
        if isinstance(mark, str) and _TOKEN.fullmatch(mark) and inner.get("type") in _MIRRORABLE:
            yield (*path, key), mark
        yield from _marked(inner, (*path, key))


def _value(arguments: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = arguments
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _check(header: str, value: Any, headers: Headers) -> None:
    sent = routing_header(headers, header)
    expected = _text(value)
    if sent is None and expected is None:
        return
    if sent is None or expected is None or not _same(decoded(sent), expected, value):
        raise Fault(HEADER_MISMATCH, f"The header {header} is absent or does not agree with the body's argument")


def _text(value: Any) -> str | None:
    """Return a scalar as a header carries it, None for what no header can carry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) and not _vast(value) else None


def _vast(value: str | float) -> bool:
    return isinstance(value, int) and value.bit_length() > 1_000


def _same(said: str | None, expected: str, value: Any) -> bool:
    """Compare as text, and a whole number by its value: 42 and 42.0 are one to most clients."""
    if said == expected:
        return True
    number = _DECIMAL.fullmatch(said or "")
    if number is None or isinstance(value, (bool, str)):
        return False
    return (isinstance(value, int) or float(value).is_integer()) and int(number[1]) == int(value)
