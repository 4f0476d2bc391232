"""What holds of every POST, whatever revision it speaks."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from surfaces.mcp.fake import AUTH, KEY, SECRET_TEXT, FakeBackend, legacy, modern, post, query, send_modern

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"])
async def test_only_post_is_served(url: str, method: str) -> None:
    """Every other method answers 405 and names POST, with or without a credential."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.request(method, url, headers=AUTH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/ops", "/ops/mcp/", "/ops/mcp/x", "/../mcp", "/OPS/mcp", "/a b/mcp", "//mcp"])
async def test_no_other_path_is_served(url: str, path: str) -> None:
    """A path that is not a slug and `mcp` answers 404 in the gateway's own form."""
    answer = await post(url.removesuffix("/ops/mcp") + path, legacy("ping"))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


async def test_an_unknown_slug_is_a_json_rpc_error(url: str) -> None:
    """A slug that is not there for this caller is 404 with our code and hint inside the JSON-RPC error."""
    answer = await post(url.replace("/ops/", "/other/"), legacy("tools/list", message_id="a"))
    error = answer.json()["error"]
    assert (answer.status_code, answer.json()["id"], error["data"]["code"]) == (404, "a", "not_found")
    assert error["data"]["hint"] == "Ask an admin for the slug."


async def test_without_a_credential_the_challenge_names_no_error(url: str) -> None:
    """No Authorization header: 401 and a bare Bearer challenge."""
    answer = await post(url, legacy("ping"), {})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "unauthenticated"


async def test_a_wrong_credential_is_told_so(url: str, backend: FakeBackend) -> None:
    """A token that is not accepted: 401, `invalid_token`, the token in no part of the answer, nothing called."""
    answer = await post(url, modern("tools/call", query("SELECT 1")), {"authorization": "Bearer wrong-key"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert "wrong-key" not in answer.text + str(answer.headers)
    assert backend.calls == []


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer =x", "Bearer \xe9", 'Bearer "x"'])
async def test_a_malformed_authorization_header_is_400(url: str, header: str) -> None:
    """A bearer header without one well-formed token is a malformed request."""
    answer = await post(url, legacy("ping"), [("authorization", header.encode("latin-1"))])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def test_two_authorization_headers_are_400(url: str) -> None:
    """A request with two credentials is refused, even if one of them is right."""
    answer = await post(url, legacy("ping"), [("authorization", f"Bearer {KEY}"), ("authorization", "Bearer other")])
    assert answer.status_code == 400


async def test_a_token_in_the_query_string_counts_for_nothing(url: str) -> None:
    """A right key in the URL is not a credential."""
    answer = await post(f"{url}?access_token={KEY}&authorization=Bearer%20{KEY}", legacy("ping"), {})
    assert answer.status_code == 401


async def test_a_user_the_agent_may_not_act_for(url: str) -> None:
    """The identifier header reaches the authenticator, whose refusal is 403."""
    answer = await post(url, legacy("ping"), AUTH | {"skipass-identifier": "mallory"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_your_user")


async def test_the_user_named_is_acted_for(url: str, backend: FakeBackend) -> None:
    """The call runs for the user the identifier header names."""
    await post(url, legacy("tools/call", query("SELECT 1")), AUTH | {"skipass-identifier": "alice@x.test"})
    assert backend.calls[0][3].user_id == "alice@x.test"


async def test_a_credential_revoked_under_way_is_401(url: str) -> None:
    """A call whose caller is no longer accepted ends in a challenge, not in a tool result."""
    answer = await post(url, legacy("tools/call", query("REVOKED")))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:99", 200),
        ("localhost", 200),
        ("[::1]:1", 200),
        ("LOCALHOST:1", 200),
        ("evil.test", 421),
        ("localhost.evil.test", 421),
        ("127.0.0.1@evil.test", 421),
        ("", 421),
        ("localhost:x", 421),
    ],
)
async def test_only_allowed_hosts_are_answered(url: str, host: str, status: int) -> None:
    """A Host that is not on the list is 421; any port of an allowed one is served."""
    answer = await post(url, legacy("ping"), AUTH | {"host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5173", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:8080", 200),
        ("https://evil.test", 403),
        ("null", 403),
        ("", 403),
        ("http://localhost.evil.test", 403),
        ("ftp://localhost", 403),
    ],
)
async def test_only_allowed_origins_are_answered(url: str, origin: str, status: int) -> None:
    """An Origin that is present and not on the list is 403."""
    answer = await post(url, legacy("ping"), AUTH | {"origin": origin})
    assert answer.status_code == status


async def test_every_answer_carries_a_request_id(url: str) -> None:
    """Answers good and bad carry an id of their own, are not cached and not sniffed."""
    answers = [await post(url, legacy("ping")), await post(url, legacy("ping"), {}), await post(url, [])]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 3
    assert all(name.startswith("req_") for name in ids)
    assert {(a.headers["cache-control"], a.headers["x-content-type-options"]) for a in answers} == {
        ("no-store", "nosniff")
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"nul",
        b'{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":{"b":1,"b":2}}}',
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b"[" * 100 + b"]" * 100,
        b'{"a":' * 5000,
        b'"' * 50000,
        b'{"a":1e999}',
        b"\xef\xbb\xbf{}",
    ],
)
async def test_malformed_json_is_a_parse_error(url: str, backend: FakeBackend, body: bytes) -> None:
    """What two parsers could read differently, or one could choke on, is -32700 with HTTP 400, and recorded."""
    answer = await post(url, None, content=body)
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["id"]) == (400, -32700, None)
    assert [(slug, error.code) for slug, error in backend.refusals] == [("ops", "invalid_request")]


@pytest.mark.parametrize(
    "body",
    [3, "x", {}, {"jsonrpc": "2.0"}, {"jsonrpc": "1.0", "id": 1, "method": "ping"}, {"id": 1, "method": "ping"}]
    + [{"jsonrpc": "2.0", "id": 1, "method": 3}, {"jsonrpc": "2.0", "id": 1, "result": {}}]
    + [legacy("ping", message_id=bad) for bad in (None, True, 1.5, [], {}, 2**60, "x" * 2000)],
)
async def test_what_is_not_one_message_is_an_invalid_request(url: str, backend: FakeBackend, body: Any) -> None:
    """A value that is no request and no notification is -32600 with HTTP 400, and recorded."""
    answer = await post(url, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
    assert len(backend.refusals) == 1


@pytest.mark.parametrize("params", [[], 3, "x", None])
async def test_params_are_an_object(url: str, params: Any) -> None:
    """Params that are no object are -32602."""
    answer = await post(url, {"jsonrpc": "2.0", "id": "q", "method": "ping", "params": params})
    assert (answer.json()["error"]["code"], answer.json()["id"]) == (-32602, "q")


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("content-type", "text/plain", 415),
        ("content-type", "application/json; charset=utf-8", 200),
        ("accept", "text/html", 406),
        ("accept", "application/json, text/event-stream", 200),
        ("accept", "*/*", 200),
    ],
)
async def test_media_types(url: str, header: str, value: str, status: int) -> None:
    """The body is JSON and the client takes JSON, or the answer is 415 or 406."""
    assert (await post(url, legacy("ping"), AUTH | {header: value})).status_code == status


async def test_a_body_over_the_limit_is_413(url: str, settings: Any) -> None:
    """More bytes than the limit are not read, with a declared length and without one: a JSON-RPC error says so."""

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 10_000

    async with httpx2.AsyncClient(trust_env=False) as client:
        declared = await client.post(url, content=b" " * (settings.max_body_bytes + 1), headers=AUTH)
        streamed = await client.post(url, content=chunks(), headers=AUTH)
    assert [declared.status_code, streamed.status_code] == [413, 413]
    for answer in (declared, streamed):
        error = answer.json()["error"]
        assert (answer.json()["id"], error["code"], error["data"]["code"]) == (None, -32600, "request_too_large")
        assert error["data"]["hint"]


async def test_an_unforeseen_failure_shows_nothing(url: str) -> None:
    """A backend that breaks is an internal error with the request's id, and its text stays inside."""
    answers = [
        await send_modern(url, "tools/call", query("BOOM")),
        await post(url, legacy("tools/call", query("BOOM"))),
    ]
    assert [answer.status_code for answer in answers] == [500, 200]
    for answer in answers:
        assert answer.json()["error"]["code"] == -32603
        assert answer.json()["error"]["data"]["request_id"] == answer.headers["x-request-id"]
        assert SECRET_TEXT not in answer.text
