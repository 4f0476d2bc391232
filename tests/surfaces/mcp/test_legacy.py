"""The revisions with a handshake, request by request."""

from __future__ import annotations

from typing import Any

import pytest

from skipass.tools.catalogue import CATALOGUE
from surfaces.mcp.fake import AUTH, FakeBackend, legacy, post, query

pytestmark = pytest.mark.anyio
REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]


def hello(version: object) -> Any:
    return legacy("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x"}})


@pytest.mark.parametrize("version", REVISIONS)
async def test_a_served_revision_is_agreed_to(url: str, version: str) -> None:
    """Initialize answers the requested revision, the server and its capabilities, and opens no transport session."""
    answer = await post(url, hello(version))
    result = answer.json()["result"]
    assert (result["protocolVersion"], result["capabilities"]) == (version, {"tools": {"listChanged": False}})
    assert (result["serverInfo"]["name"], result["instructions"]) == ("skipass", "Request a session first.")
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("version", ["2026-07-28", "1.0", ""])
async def test_another_revision_is_answered_with_the_newest(url: str, version: str) -> None:
    """Initialize with a revision that has no handshake here answers the newest one that has."""
    assert (await post(url, hello(version))).json()["result"]["protocolVersion"] == "2025-11-25"


async def test_initialize_needs_a_version(url: str) -> None:
    """Initialize without a version is -32602."""
    assert (await post(url, hello(3))).json()["error"]["code"] == -32602


@pytest.mark.parametrize("version", [*REVISIONS, None])
async def test_a_request_needs_no_handshake(url: str, version: str | None) -> None:
    """Every later request stands alone, with its version header or, as the oldest clients do, without."""
    headers = AUTH if version is None else AUTH | {"mcp-protocol-version": version}
    result = (await post(url, legacy("tools/list"), headers)).json()["result"]
    assert [tool["name"] for tool in result["tools"]] == [spec.name for spec in CATALOGUE]
    assert "ttlMs" not in result
    assert "resultType" not in result


async def test_an_unknown_version_header_is_400(url: str) -> None:
    """A version header that names no served revision is HTTP 400 and names those served."""
    answer = await post(url, legacy("tools/list"), AUTH | {"mcp-protocol-version": "1999-01-01"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32022)
    assert "2025-11-25" in answer.json()["error"]["data"]["supported"]


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/other"])
async def test_a_notification_is_accepted(url: str, method: str) -> None:
    """Every notification answers 202 with no body."""
    answer = await post(url, {"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}})
    assert (answer.status_code, answer.content) == (202, b"")


async def test_ping(url: str) -> None:
    """Ping answers an empty result under the id it came with."""
    assert (await post(url, legacy("ping", message_id="p-1"))).json() == {"jsonrpc": "2.0", "id": "p-1", "result": {}}


@pytest.mark.parametrize(
    ("method", "member"),
    [
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ],
)
async def test_lists_of_what_is_not_there_are_empty(url: str, method: str, member: str) -> None:
    """Clients that ask for prompts or resources whatever was declared get an empty list."""
    assert (await post(url, legacy(method))).json()["result"] == {member: []}


async def test_an_unknown_method(url: str) -> None:
    """An unknown method is -32601 inside HTTP 200, as older clients expect."""
    answer = await post(url, legacy("nope/nope"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32601)


async def test_a_posted_response_is_400(url: str) -> None:
    """The server asks nothing, so a response to it is refused."""
    answer = await post(url, {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}})
    assert answer.status_code == 400


async def test_a_batch_of_the_revision_that_has_them(url: str) -> None:
    """A batch is answered message by message, in order, each under its own id, notifications left out."""
    batch = [
        legacy("ping", message_id=1),
        {"jsonrpc": "2.0", "method": "notifications/x"},
        legacy("nope", message_id="b"),
        3,
    ]
    answers = (await post(url, batch)).json()
    assert [answer["id"] for answer in answers] == [1, "b", None]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32601, -32600]


async def test_a_call_of_a_batch_that_nobody_may_make_hides_no_other(url: str, backend: FakeBackend) -> None:
    """A credential that ends within a batch is an error in its own place: what ran before is answered all the same."""
    calls = [legacy("tools/call", query(text), message_id=text) for text in ("SELECT 1", "REVOKED", "SELECT 2")]
    answer = await post(url, calls)
    assert (answer.status_code, len(backend.calls)) == (200, 3)
    first, second, third = answer.json()
    assert (first["id"], second["error"]["data"]["code"], third["id"]) == ("SELECT 1", "unauthenticated", "SELECT 2")
    assert first["result"]["isError"] is third["result"]["isError"] is False


async def test_a_batch_of_notifications_has_no_body(url: str) -> None:
    """A batch that asks nothing answers 202."""
    answer = await post(url, [{"jsonrpc": "2.0", "method": "notifications/x"}] * 2)
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("batch", [[], [legacy("ping")] * 21])
async def test_a_batch_is_bounded(url: str, backend: FakeBackend, batch: list[Any]) -> None:
    """An empty batch and one of more than twenty messages are refused whole."""
    answer = await post(url, batch)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_later_revisions_have_no_batches(url: str, version: str) -> None:
    """A batch under a revision that dropped them is -32600."""
    answer = await post(url, [legacy("ping")], AUTH | {"mcp-protocol-version": version})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


async def test_a_missing_field_is_a_result_the_model_can_read(url: str) -> None:
    """A call without its statement is a tool result that names the field."""
    result = (await post(url, legacy("tools/call", {"name": "snowflake_execute_query"}))).json()["result"]
    assert (result["isError"], result["structuredContent"]["code"]) == (True, "missing_field")
    assert "statement" in result["content"][0]["text"]


async def test_a_denied_statement_is_a_result(url: str) -> None:
    """A refusal is a tool result with its code, inside HTTP 200."""
    answer = await post(url, legacy("tools/call", query("DENIED")))
    assert answer.status_code == 200
    assert answer.json()["result"]["structuredContent"]["code"] == "out_of_scope"
