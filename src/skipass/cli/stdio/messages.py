"""One JSON-RPC message as the bridge sees it: what it is, and the headers it needs over HTTP. Pure.

Nothing of a message is changed on its way; what is read here only decides how it travels.
Source: MCP 2026-07-28, Streamable HTTP (Request Metadata, Custom Headers from Tool Parameters); MCP 2025-11-25,
Transports (Protocol Version Header).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

META_VERSION = "io.modelcontextprotocol/protocolVersion"
PARSE_ERROR, UNREACHABLE = -32700, -32000
_NAMED: Mapping[str, str] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_MARK = "x-mcp-header"
_MOST_DEPTH = 8

Marks = Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
"""By tool: the arguments that travel in a header as well, each by its path and the header's name."""


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the client: its bytes as they came, and what they hold; None where that is no JSON."""

    raw: bytes
    value: Any

    @property
    def is_request(self) -> bool:
        """Whether an answer is due."""
        return isinstance(self.value, dict) and "method" in self.value and self.value.get("id") is not None

    @property
    def is_batch(self) -> bool:
        """Whether it is several messages at once."""
        return isinstance(self.value, list)

    @property
    def id(self) -> Any:
        """The id of a request."""
        return self.value.get("id") if isinstance(self.value, dict) else None

    @property
    def method(self) -> str:
        """The method, empty for an answer."""
        return str(self.value.get("method") or "") if isinstance(self.value, dict) else ""

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters, empty where there are none."""
        found = self.value.get("params") if isinstance(self.value, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def revision(self) -> str | None:
        """The revision that a stateless message says it speaks; None in the eras of a handshake."""
        meta = self.params.get("_meta")
        version = meta.get(META_VERSION) if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    @property
    def withdraws(self) -> Any:
        """The id of the request that is taken back, None for any other message."""
        return self.params.get("requestId") if self.method == "notifications/cancelled" else None


def read(raw: bytes) -> Message:
    """Return a line as a message. What some readers take and others do not is left to the gateway to refuse."""
    try:
        return Message(raw, json.loads(raw))
    except (ValueError, RecursionError):
        return Message(raw, None)


def headers(message: Message, negotiated: str | None, marks: Marks) -> dict[str, str]:
    """Return the headers of a message: its revision and, of a stateless one, what mirrors its body."""
    revision = message.revision
    if revision is None:
        return _plain({"MCP-Protocol-Version": negotiated})
    found: dict[str, str | None] = {"MCP-Protocol-Version": revision}
    if message.method:
        found["Mcp-Method"] = message.method
    named = message.params.get(_NAMED.get(message.method, ""))
    sent = {"Mcp-Name": encoded(named)} if isinstance(named, str) else {}
    if message.method == "tools/call":
        sent |= dict(_mirrored(message.params, marks))
    return _plain(found) | sent


def _plain(given: Mapping[str, str | None]) -> dict[str, str]:
    """Leave out what no header can say as it stands: the gateway then names what is missing."""
    return {name: value for name, value in given.items() if value and value.isascii() and value.isprintable()}


def _mirrored(params: Mapping[str, Any], marks: Marks) -> Iterator[tuple[str, str]]:
    for path, name in marks.get(str(params.get("name")), ()):
        found: Any = params.get("arguments")
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, bool):
            yield f"Mcp-Param-{name}", "true" if found else "false"
        elif isinstance(found, str | int | float):
            yield f"Mcp-Param-{name}", encoded(str(found))


def encoded(value: str) -> str:
    """Return a text as a header carries it: in base64 wrapping where it does not go as it is."""
    plain = value.isascii() and value.isprintable() and value == value.strip() and not value.startswith("=?")
    return value if plain else f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}?="


def marks_in(result: Any) -> Marks:
    """Return which arguments the tools of a list want in headers."""
    tools = result.get("tools") if isinstance(result, dict) else None
    found = {}
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            found[str(tool.get("name"))] = tuple(_marked(tool.get("inputSchema"), ()))
    return found


def _marked(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) >= _MOST_DEPTH:
        return
    for key, inner in properties.items():
        mark = inner.get(_MARK) if isinstance(inner, dict) else None
        if isinstance(mark, str) and mark.replace("-", "a").replace("_", "a").isalnum() and mark.isascii():
            yield (*path, key), mark
        yield from _marked(inner, (*path, key))


def failure(message_id: Any, message: str, *, code: int = UNREACHABLE, data: Mapping[str, Any] | None = None) -> bytes:
    """Return the answer that a request failed on its way."""
    error = {"code": code, "message": message} | ({"data": dict(data)} if data else {})
    return orjson.dumps({"jsonrpc": "2.0", "id": message_id, "error": error})


def one_line(text: bytes) -> bytes:
    """Return JSON without line breaks: outside strings they are blanks, and inside there are none."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ").strip()
