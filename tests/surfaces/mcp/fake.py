"""The port's other side for these tests: a small backend in memory, and the words of a client."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Principal
from skipass.tools.call import CallContext
from skipass.tools.catalogue import CATALOGUE
from skipass.tools.validate import validate
from skipass.tools.wire import wire_tool

KEY = "sk_agent.1-key"
AUTH = {"authorization": f"Bearer {KEY}"}
SECRET_TEXT = "password=hunter2"
HANDLE = "stm_06fq3x8e4mzv2k9c0r7t5w1a2b"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
}
ROWS = {
    "statementHandle": HANDLE,
    "resultSetMetaData": {
        "numRows": 3,
        "rowType": [{"name": "ORDER_ID", "type": "fixed"}, {"name": "STATUS", "type": "text"}],
        "partitionInfo": [{"rowCount": 2}, {"rowCount": 1}],
    },
    "data": [["1001", "pending"], ["1002", None]],
}


@dataclass(frozen=True)
class OpsServer:
    """The server behind the slug `ops`."""

    slug: str = "ops"
    title: str = "Operations"
    instructions: str = "Request a session first."


class FakeAuthenticator:
    """Knows one key, and one identifier that the key may not act for."""

    async def authenticate(
        self, bearer: str, *, identifier: str | None = None, resource: str | None = None
    ) -> Principal:
        if bearer != KEY:
            raise SkipassError("unauthenticated")
        if identifier == "mallory":
            raise SkipassError("not_your_user")
        return Principal("tnt_1", "key_1", agent_id="agt_1", user_id=identifier or "usr_1")


class FakeBackend:
    """Answers by the statement's text, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], CallContext, Principal]] = []
        self.refusals: list[tuple[str, SkipassError]] = []
        self.waiting = threading.Event()
        self.cancelled = threading.Event()
        self.finished = threading.Event()
        self.release = threading.Event()

    async def server(self, principal: Principal, slug: str) -> OpsServer:
        if slug != "ops":
            raise SkipassError("not_found", "No such MCP server.", "Ask an admin for the slug.")
        return OpsServer()

    async def list_tools(self, principal: Principal, slug: str) -> Sequence[Mapping[str, Any]]:
        return [wire_tool(spec) for spec in CATALOGUE]

    async def input_schema(self, principal: Principal, slug: str, name: str) -> Mapping[str, Any] | None:
        return next(
            (tool["inputSchema"] for tool in await self.list_tools(principal, slug) if tool["name"] == name), None
        )

    async def call_tool(
        self, principal: Principal, slug: str, name: str, arguments: Mapping[str, Any], call: CallContext
    ) -> Envelope:
        self.calls.append((name, arguments, call, principal))
        validate(name, arguments)
        match arguments.get("statement"):
            case "WAIT":
                return await self._wait()
            case "WAIT, REVOKED":
                await self._wait()
                raise SkipassError("unauthenticated")
            case "REPORT":
                for done in (1.0, 1.0, 0.5, float("nan"), 2.0):
                    call.report(done, 2.0, f"{done:g} of 2")
            case "BOOM":
                raise RuntimeError(SECRET_TEXT)
            case "REVOKED":
                raise SkipassError("unauthenticated")
            case "DENIED":
                return Envelope(Status.DENIED, "stm_1", "ses_1", fields={"code": "out_of_scope", "hint": "Ask."})
            case "UPDATE":
                fields = {"statementHandle": HANDLE, "approval": {"id": "apr_1", "url": "https://x.test/a"}}
                return Envelope(Status.APPROVAL_REQUIRED, "stm_1", "ses_1", fields=fields)
        return Envelope(Status.SUCCESS, "stm_1", "ses_1", ROWS)

    async def _wait(self) -> Envelope:
        self.waiting.set()
        try:
            await asyncio.to_thread(self.release.wait, 20)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        self.finished.set()
        return Envelope(Status.SUCCESS, "stm_1", "ses_1", ROWS)

    async def record_refusal(self, principal: Principal, slug: str, error: SkipassError, call: CallContext) -> None:
        self.refusals.append((slug, error))


def modern(method: str, params: Mapping[str, Any] | None = None, *, meta: object = META, message_id: object = 1) -> Any:
    """Return the body of a stateless request."""
    return {"jsonrpc": "2.0", "id": message_id, "method": method, "params": {**(params or {}), "_meta": meta}}


def legacy(method: str, params: object = None, *, message_id: object = 1) -> Any:
    """Return the body of a handshake-era request."""
    return {"jsonrpc": "2.0", "id": message_id, "method": method} | ({} if params is None else {"params": params})


def headers_for(body: Any, **changes: str | None) -> dict[str, str]:
    """Return the headers a conforming stateless client sends; `changes` replace or, when None, drop some."""
    sent = {"mcp-protocol-version": "2026-07-28", "mcp-method": body["method"], **AUTH}
    if "name" in body["params"]:
        sent["mcp-name"] = body["params"]["name"]
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in (sent | changed).items() if value is not None}


async def post(url: str, body: Any, headers: Any = AUTH, *, content: bytes | None = None) -> httpx2.Response:
    """POST one body, JSON unless `content` gives the bytes."""
    pairs = [*(headers.items() if isinstance(headers, dict) else headers)]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("content-type", "application/json"))
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        if content is not None:
            return await client.post(url, content=content, headers=pairs)
        return await client.post(url, json=body, headers=pairs)


async def send_modern(
    url: str, method: str, params: Mapping[str, Any] | None = None, **changes: Any
) -> httpx2.Response:
    """POST a conforming stateless request, but for the header `changes`."""
    body = modern(method, params)
    return await post(url, body, headers_for(body, **changes))


def query(statement: str, **more: Any) -> dict[str, Any]:
    """Return the params of a call that runs a statement."""
    return {"name": "snowflake_execute_query", "arguments": {"statement": statement, **more}}


def start(url: str, body: Any, headers: dict[str, str]) -> socket.socket:
    """Send one request and leave the answer unread."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    raw = json.dumps(body).encode()
    lines = [f"POST /{path} HTTP/1.1", f"host: {host}", "content-type: application/json", f"content-length: {len(raw)}"]
    lines += [f"{key}: {value}" for key, value in headers.items()]
    connection = socket.create_connection((name, int(port)), timeout=20)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + raw)
    return connection
