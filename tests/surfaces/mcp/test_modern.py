"""The stateless revision, request by request."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from skipass import __version__
from surfaces.mcp.fake import META, FakeBackend, headers_for, modern, post, query, send_modern, start

pytestmark = pytest.mark.anyio
SERVER = {"io.modelcontextprotocol/serverInfo": {"name": "skipass", "title": "Operations", "version": __version__}}


def code_of(answer: Any) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_discover(url: str) -> None:
    """Discovery names the revision, the capabilities and the server, cacheable by this caller alone."""
    result = (await send_modern(url, "server/discover")).json()["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["capabilities"] == {"tools": {"listChanged": False}}
    assert (result["resultType"], result["cacheScope"], result["_meta"]) == ("complete", "private", SERVER)
    assert result["ttlMs"] > 0
    assert result["instructions"] == "Request a session first."


async def test_list_tools(url: str) -> None:
    """The tool list is complete, marked private and carries its lifetime."""
    result = (await send_modern(url, "tools/list")).json()["result"]
    assert (result["resultType"], result["cacheScope"], result["_meta"]) == ("complete", "private", SERVER)
    assert "nextCursor" not in result
    assert next(tool["name"] for tool in result["tools"]) == "skipass_request_session"
    assert all(tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object" for tool in result["tools"])


async def test_call_tool(url: str) -> None:
    """A call answers one complete JSON result with the envelope, and no cache members."""
    answer = await send_modern(url, "tools/call", query("SELECT 1"))
    result = answer.json()["result"]
    assert answer.headers["content-type"] == "application/json"
    assert (result["resultType"], result["isError"], result["_meta"]) == ("complete", False, SERVER)
    assert result["structuredContent"]["status"] == "success"
    assert "cacheScope" not in result


@pytest.mark.parametrize("method", ["initialize", "ping", "prompts/list", "logging/setLevel", "nope", ""])
async def test_an_unknown_method_is_404(url: str, method: str) -> None:
    """A method this era does not have, those of the handshake included, is 404 with -32601."""
    assert code_of(await send_modern(url, method)) == (404, -32601)


async def test_a_notification_is_accepted_without_a_body(url: str) -> None:
    """A notification answers 202 and nothing."""
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"_meta": META}}
    answer = await post(url, body, headers_for(body))
    assert (answer.status_code, answer.content) == (202, b"")


async def test_a_notification_of_an_unknown_revision_is_refused(url: str) -> None:
    """A notification of a revision that is not served is -32022."""
    body = {"jsonrpc": "2.0", "method": "notifications/x", "params": {}}
    assert code_of(await post(url, body, headers_for(body, mcp_protocol_version="2030-01-01"))) == (400, -32022)


@pytest.mark.parametrize(
    "changes",
    [
        {"mcp_protocol_version": None},
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_protocol_version": "2030-01-01"},
        {"mcp_method": None},
        {"mcp_method": "tools/list"},
        {"mcp_method": "Tools/Call"},
        {"mcp_name": None},
        {"mcp_name": "snowflake_cancel_query"},
        {"mcp_name": "=?base64?!!?="},
        {"mcp_name": "=?base64?c25vd2ZsYWtlX2V4ZWN1dGVfcXVlcnl=?="},
        {"mcp_name": "=?base64?/w==?="},
    ],
)
async def test_headers_must_agree_with_the_body(url: str, backend: FakeBackend, changes: dict[str, Any]) -> None:
    """A mirrored header that is absent or different is -32020, nothing is called, and the refusal is recorded."""
    assert code_of(await send_modern(url, "tools/call", query("SELECT 1"), **changes)) == (400, -32020)
    assert backend.calls == []
    assert len(backend.refusals) == 1


@pytest.mark.parametrize("name", ["mcp-protocol-version", "mcp-method", "mcp-name"])
async def test_a_repeated_routing_header_is_refused(url: str, name: str) -> None:
    """Two copies of a routing header are -32020, even when they are equal."""
    body = modern("tools/call", query("SELECT 1"))
    pairs = list(headers_for(body).items())
    assert code_of(await post(url, body, [*pairs, (name, dict(pairs)[name])])) == (400, -32020)


async def test_an_encoded_name_is_decoded_before_it_is_compared(url: str) -> None:
    """A base64 sentinel in Mcp-Name means the text inside."""
    name = base64.b64encode(b"snowflake_execute_query").decode()
    answer = await send_modern(url, "tools/call", query("SELECT 1"), mcp_name=f"=?base64?{name}?=")
    assert answer.status_code == 200


@pytest.mark.parametrize("http", ["httptools", "h11"], indirect=True)
def test_white_space_around_a_header_is_not_part_of_it(url: str) -> None:
    """Trailing blanks in a mirrored header change nothing, whichever HTTP parser the server uses."""
    body = modern("tools/call", query("SELECT 1"))
    connection = start(url, body, headers_for(body, mcp_name="snowflake_execute_query \t "))
    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    connection.close()


@pytest.mark.parametrize("requested", ["2030-01-01", "2025-11-25", "latest"])
async def test_an_unknown_revision_names_those_served(url: str, requested: str) -> None:
    """A revision that is not served statelessly is -32022 with the supported and the requested one."""
    body = modern("tools/list", meta=META | {"io.modelcontextprotocol/protocolVersion": requested})
    answer = await post(url, body, headers_for(body, mcp_protocol_version=requested))
    assert code_of(answer) == (400, -32022)
    assert answer.json()["error"]["data"]["requested"] == requested
    discovered = (await send_modern(url, "server/discover")).json()["result"]["supportedVersions"]
    assert answer.json()["error"]["data"]["supported"] == discovered


@pytest.mark.parametrize(
    "meta",
    [
        None,
        [],
        {},
        {"io.modelcontextprotocol/protocolVersion": "2026-07-28"},
        {"io.modelcontextprotocol/clientCapabilities": {}},
        META | {"io.modelcontextprotocol/clientCapabilities": 3},
    ],
)
async def test_the_meta_a_request_must_carry(url: str, meta: Any) -> None:
    """A stateless request without its version and capabilities is -32602."""
    body = modern("tools/list", meta=meta)
    assert code_of(await post(url, body, headers_for(body))) == (400, -32602)


async def test_the_client_info_is_optional(url: str) -> None:
    """A client that does not name itself is served."""
    body = modern("tools/list", meta={key: META[key] for key in list(META)[:2]})
    assert (await post(url, body, headers_for(body))).status_code == 200


async def test_a_batch_is_refused(url: str) -> None:
    """Batches do not exist in this revision: -32600."""
    body = modern("tools/list")
    assert code_of(await post(url, [body], headers_for(body))) == (400, -32600)


@pytest.mark.parametrize("params", [{"name": 3}, {}, {"name": "snowflake_execute_query", "arguments": []}])
async def test_a_call_without_a_name_or_with_odd_arguments(url: str, params: dict[str, Any]) -> None:
    """A call whose name is no string, or whose arguments are no object, is a protocol error."""
    body = modern("tools/call", params)
    sent = headers_for(body, mcp_name=str(params.get("name", "x")))
    assert code_of(await post(url, body, sent))[1] in (-32602, -32020)


async def test_an_unknown_tool(url: str, backend: FakeBackend) -> None:
    """A tool that does not exist is -32602 with the nearest name, and is left to the backend to record."""
    answer = await send_modern(url, "tools/call", {"name": "snowflake_exec_query"})
    assert code_of(answer) == (400, -32602)
    assert answer.json()["error"]["data"]["hint"] == "Did you mean snowflake_execute_query?"
    assert backend.refusals == []


async def test_a_cursor_nobody_gave_out(url: str) -> None:
    """The list fits one page, so every cursor is unknown: -32602."""
    assert code_of(await send_modern(url, "tools/list", {"cursor": "x"})) == (400, -32602)


async def test_no_transport_session_is_kept(url: str) -> None:
    """A session id or an event id that a client sends is ignored and never echoed."""
    answer = await send_modern(url, "tools/list", mcp_session_id="x", last_event_id="7")
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


async def test_the_context_of_a_call(url: str, backend: FakeBackend) -> None:
    """The backend learns the request id of the answer, the idempotency key, the client's name and the inline wait."""
    answer = await send_modern(url, "tools/call", query("SELECT 1"), idempotency_key="k-1")
    call = backend.calls[0][2]
    assert call.request_id == answer.headers["x-request-id"]
    assert (call.idempotency_key, call.client_name, call.wait_s) == ("k-1", "tester", 25.0)


async def test_an_odd_idempotency_key(url: str, backend: FakeBackend) -> None:
    """An idempotency key that is too long or has blanks is refused before anything is called."""
    for key in ("x" * 300, "a b"):
        assert code_of(await send_modern(url, "tools/call", query("SELECT 1"), idempotency_key=key)) == (400, -32600)
    assert backend.calls == []
