"""Bad input at our own door: each is a JSON-RPC error with our code and a hint, and nothing is called."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from skipass.clock import SystemClock
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.app import create_mcp_app
from surfaces.mcp.fake import AUTH, META, FakeAuthenticator, FakeBackend, headers_for, legacy, modern, post, query

pytestmark = pytest.mark.anyio
CALL = modern("tools/call", query("SELECT 1"))
OLD = legacy("tools/call", query("SELECT 1"))


def sent(body: Any, **changes: Any) -> Callable[[str], tuple[str, bytes, dict[str, str]]]:
    """Return what makes a stateless request of a body, its headers changed."""
    return lambda url: (url, json.dumps(body).encode(), headers_for(body, **changes))


def raw(content: bytes, **headers: str) -> Callable[[str], tuple[str, bytes, dict[str, str]]]:
    return lambda url: (url, content, AUTH | {name.replace("_", "-"): value for name, value in headers.items()})


def elsewhere(body: Any, headers: dict[str, str]) -> Callable[[str], tuple[str, bytes, dict[str, str]]]:
    return lambda url: (url.replace("/ops/", "/nowhere/"), json.dumps(body).encode(), headers)


CASES: dict[str, tuple[Callable[[str], tuple[str, bytes, dict[str, str]]], int, int, str]] = {
    "unknown slug": (elsewhere(OLD, AUTH), 404, -32600, "not_found"),
    "unknown slug, stateless": (elsewhere(CALL, headers_for(CALL)), 404, -32600, "not_found"),
    "unknown method": (raw(json.dumps(legacy("tools/run")).encode()), 200, -32601, "invalid_request"),
    "unknown method, stateless": (sent(modern("tools/run")), 404, -32601, "invalid_request"),
    "unknown tool": (raw(json.dumps(legacy("tools/call", {"name": "x"})).encode()), 200, -32602, "unknown_tool"),
    "unknown tool, stateless": (sent(modern("tools/call", {"name": "x"})), 400, -32602, "unknown_tool"),
    "unknown revision": (
        raw(json.dumps(OLD).encode(), mcp_protocol_version="1999-01-01"),
        400,
        -32022,
        "invalid_request",
    ),
    "unknown revision, stateless": (
        sent(
            modern("tools/list", meta=META | {"io.modelcontextprotocol/protocolVersion": "2999-01-01"}),
            mcp_protocol_version="2999-01-01",
        ),
        400,
        -32022,
        "invalid_request",
    ),
    "wrong Accept": (raw(json.dumps(OLD).encode(), accept="text/html"), 406, -32600, "invalid_request"),
    "wrong content type": (raw(json.dumps(OLD).encode(), content_type="text/plain"), 415, -32600, "invalid_request"),
    "two content types": (
        raw(json.dumps(OLD).encode(), content_type="application/json, text/plain"),
        415,
        -32600,
        "invalid_request",
    ),
    "a batch where there is none": (
        raw(json.dumps([OLD]).encode(), mcp_protocol_version="2025-06-18"),
        400,
        -32600,
        "invalid_request",
    ),
    "a batch without a message": (raw(b"[]"), 400, -32600, "invalid_request"),
    "a batch too long": (raw(json.dumps([legacy("ping")] * 21).encode()), 400, -32600, "invalid_request"),
    "a member twice": (raw(b'{"jsonrpc":"2.0","id":1,"method":"ping","id":2}'), 400, -32700, "invalid_request"),
    "deep": (raw(b'{"a":' * 1_000 + b"1" + b"}" * 1_000), 400, -32700, "invalid_request"),
    "a long list of text": (raw(b"[" + b'"",' * 30_000 + b'""]'), 400, -32600, "invalid_request"),
    "not JSON": (raw(b"<xml/>"), 400, -32700, "invalid_request"),
    "not UTF-8": (raw(b'{"a":"\xff"}'), 400, -32700, "invalid_request"),
    "too large": (raw(b" " * 100_001), 413, -32600, "request_too_large"),
    "an argument list": (
        sent(modern("tools/call", {"name": "snowflake_execute_query", "arguments": []})),
        400,
        -32602,
        "invalid_request",
    ),
    "a header that differs": (sent(CALL, mcp_name="snowflake_cancel_query"), 400, -32020, "invalid_request"),
    "a header that lacks": (sent(CALL, mcp_method=None), 400, -32020, "invalid_request"),
    "no capabilities": (
        sent(modern("tools/list", meta={"io.modelcontextprotocol/protocolVersion": "2026-07-28"})),
        400,
        -32602,
        "invalid_request",
    ),
    "a response nobody asked for": (raw(b'{"jsonrpc":"2.0","id":1,"result":{}}'), 400, -32600, "invalid_request"),
}


@pytest.mark.parametrize("case", CASES)
async def test_bad_input_is_a_json_rpc_error(url: str, backend: FakeBackend, case: str) -> None:
    """HTTP status, error code, our code, a message and a hint: enough to mend the request without asking anybody."""
    make, status, code, ours = CASES[case]
    to, content, headers = make(url)
    answer = await post(to, None, headers, content=content)
    told = answer.json()
    error = told["error"]
    assert (answer.status_code, told["jsonrpc"], error["code"], error["data"]["code"]) == (status, "2.0", code, ours)
    assert error["message"]
    assert error["data"]["hint"]
    assert [name for name, *_ in backend.calls if name != "x"] == []


async def test_bad_input_costs_no_memory(backend: FakeBackend) -> None:
    """Two hundred large and deep bodies one after the other leave no more behind than one of them takes."""
    app = create_mcp_app(backend, FakeAuthenticator(), EdgeSettings(), SystemClock())
    bodies = [b'{"a":' * 100_000, b"[" * 500_000, b'["' + b"x" * 500_000, b" " * 500_000]

    async def offer(body: bytes) -> None:
        pending = [{"type": "http.request", "body": body}]
        headers = {"host": "localhost", "content-type": "application/json", **AUTH}
        scope: Any = {"type": "http", "method": "POST", "path": "/ops/mcp"}
        scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]

        async def receive() -> Any:
            if not pending:
                await anyio.sleep_forever()
            return pending.pop()

        async def send(message: Any) -> None:
            """Nobody reads."""

        await app(scope, receive, send)

    for body in bodies:
        await offer(body)
    backend.refusals.clear()
    tracemalloc.start()
    try:
        for turn in range(200):
            await offer(bodies[turn % len(bodies)])
            backend.refusals.clear()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 500_000
