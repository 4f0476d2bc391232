"""What goes to a managed MCP server and what its answers mean, as pure values.

An answer is JSON or an event stream, by its Content-Type and not by what was asked; a refusal often has HTTP status
200.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp ; JSON-RPC 2.0
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from skipass.snowflake.errors import ProtocolError, SnowflakeConfigError, SnowflakeUnavailable
from skipass.snowflake.mcp.refusals import refusal, tool_failure
from skipass.snowflake.sqlapi.failures import Answer, failure, json_body
from skipass.snowflake.sqlapi.wire import Call

PROTOCOL_VERSION = "2025-11-25"
_ACCEPT = "application/json, text/event-stream"
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class ServerName:
    """A managed MCP server; each part as stored, a part that needs quotes in double quotes."""

    database: str
    schema: str
    name: str

    @property
    def path(self) -> str:
        """The server's path on the account's host; quotes are part of a name and are encoded with it."""
        database, schema, name = (quote(part, safe="") for part in (self.database, self.schema, self.name))
        return f"/api/v2/databases/{database}/schemas/{schema}/mcp-servers/{name}"

    @property
    def metadata_path(self) -> str:
        """Where the server says who may issue tokens for it. Source: RFC 9728 §3.1"""
        return f"/.well-known/oauth-protected-resource{self.path}"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of a server; `input_schema` is the JSON Schema of its arguments."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResourceMetadata:
    """Who may issue tokens for a server; without `authorization_servers` nobody can, and no other may be tried."""

    resource: str
    authorization_servers: tuple[str, ...]
    scopes_supported: tuple[str, ...]


def rpc_call(
    server: ServerName, method: str, params: Mapping[str, Any] | None, number: int | None, context: Mapping[str, str]
) -> Call:
    """Return the HTTP request of a JSON-RPC request, or of a notification where `number` is None.

    `context` is what the session should be opened with, as headers.
    """
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if number is not None:
        message["id"] = number
    if params is not None:
        message["params"] = dict(params)
    try:
        body = orjson.dumps(message)
    except (TypeError, orjson.JSONEncodeError):
        raise SnowflakeConfigError("The arguments have no JSON form.") from None
    return Call("POST", server.path, body=body, headers={"Accept": _ACCEPT, **context}, last=b"data: " + _DONE)


def initialize_params(version: str) -> dict[str, Any]:
    """Return the parameters of `initialize`; the server has one protocol version, whatever is asked."""
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "capabilities": {},
        "clientInfo": {"name": "skipass", "version": version},
    }


def read_result(call: Call, answer: Answer, number: int) -> Mapping[str, Any]:
    """Return the `result` that belongs to request `number`, or raise what the answer reports.

    A stream that breaks off before it is `SnowflakeUnavailable` with an unknown outcome.
    """
    if answer.status != 200:
        body = json_body(answer) or {}
        raise refusal(answer.status, body.get("error")) if body.get("error") else _http_failure(call, answer)
    message = _message(answer, number)
    if message.get("error"):
        raise refusal(200, message["error"])
    result = message.get("result")
    if not isinstance(result, dict):
        raise ProtocolError("The MCP server's answer holds neither a result nor an error.", http_status=200)
    return result


def _http_failure(call: Call, answer: Answer) -> Exception:
    error = failure(call, answer)
    if answer.status >= 400 and not error.hint:
        error.hint = "A session of the MCP server needs a DEFAULT_WAREHOUSE of the user."
    return error


def _message(answer: Answer, number: int) -> Mapping[str, Any]:
    if answer.headers.get("content-type", "").lower().startswith("text/event-stream"):
        for event in _events(answer.body):
            if event.get("id") == number:
                return event
        raise SnowflakeUnavailable("The MCP server's stream broke off before its answer.", sent=True, http_status=200)
    body = json_body(answer)
    if body is None or body.get("id", number) != number:
        raise ProtocolError("The MCP server's answer is not the one asked for.", http_status=200)
    return body


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of `data:` lines; other lines carry nothing here, and `[DONE]` is the end."""
    for line in body.splitlines():
        if not line.startswith(b"data:"):
            continue
        data = line.removeprefix(b"data:").strip()
        if data == _DONE:
            return
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise SnowflakeUnavailable("The MCP server's stream is broken.", sent=True, http_status=200) from None
        if isinstance(value, dict):
            yield value


def read_tools(result: Mapping[str, Any]) -> list[Tool]:
    """Return the tools of a `tools/list` result."""
    shapes = result.get("tools")
    if not isinstance(shapes, list) or not all(isinstance(s, dict) and isinstance(s.get("name"), str) for s in shapes):
        raise ProtocolError("The MCP server's list of tools is not of the documented shape.")
    return [
        Tool(s["name"], str(s.get("title") or ""), str(s.get("description") or ""), s.get("inputSchema") or {})
        for s in shapes
    ]


def checked_tool_result(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a `tools/call` result, or raise the failure that it reports in its content."""
    texts = [str(item.get("text", "")) for item in result.get("content") or [] if isinstance(item, dict)]
    if problem := tool_failure(bool(result.get("isError")), texts):
        raise problem
    return result


def read_metadata(answer: Answer) -> ResourceMetadata:
    """Return the members of a protected resource's metadata. Source: RFC 9728 §2"""
    body = json_body(answer) if answer.status == 200 else None
    if body is None or not isinstance(body.get("authorization_servers"), list):
        raise ProtocolError("The MCP server's resource metadata cannot be read.", http_status=answer.status)
    servers, scopes = body["authorization_servers"], body.get("scopes_supported") or []
    return ResourceMetadata(str(body.get("resource") or ""), tuple(map(str, servers)), tuple(map(str, scopes)))
