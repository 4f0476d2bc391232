"""Hostile input over real HTTP: always an answer in the protocol's own form, never a server error."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skipass.tools.catalogue import CATALOGUE
from surfaces.mcp.fake import AUTH, META, legacy, modern, query

LENIENT = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
METHODS = ["initialize", "ping", "tools/list", "tools/call", "server/discover", "prompts/list", "notifications/x", ""]
METHODS += ["prompts/get", "resources/read", "resources/list", "subscriptions/listen"]
NAMES = [spec.name for spec in CATALOGUE] + ["", "nope"]
FIELDS = ["statement", "async", "bindings", "scope", "ttl_s", "reason", "statement_handle", "partition", "parameters"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
CALLS = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES) | VALUES},
    optional={
        "arguments": st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), VALUES, max_size=4) | VALUES,
        "cursor": VALUES,
        "_meta": st.just(META) | VALUES,
        "protocolVersion": VALUES,
    },
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | VALUES,
        "id": st.integers(0, 9) | VALUES,
        "method": st.sampled_from(METHODS) | VALUES,
        "params": CALLS | VALUES,
    },
)
VERSIONS = st.sampled_from(["2026-07-28", "2025-11-25", "2025-03-26", "1999-01-01", ""])
HEADER_VALUES = st.text(st.characters(codec="latin-1", min_codepoint=32, exclude_characters="\x7f"), max_size=20)
HEADERS = st.dictionaries(
    st.sampled_from(["mcp-method", "mcp-name", "mcp-protocol-version", "accept", "origin", "idempotency-key", "cookie"])
    | st.sampled_from(["skipass-identifier", "mcp-param-x", "last-event-id", "content-type", "authorization"]),
    st.sampled_from([*METHODS, *NAMES]) | HEADER_VALUES,
    max_size=4,
)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=20, trust_env=False) as client:
        yield client


def send(client: httpx2.Client, url: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    pairs = [(name, value.strip().encode("latin-1")) for name, value in headers.items()]
    return client.post(url, content=body, headers=pairs)


def check(answer: httpx2.Response) -> None:
    """An answer is 202, a JSON-RPC result or error (or a batch of them), or an HTTP error in our own form."""
    assert answer.status_code < 500, answer.text
    if answer.status_code == 202:
        assert answer.content == b""
        return
    value = answer.json()
    for each in value if isinstance(value, list) else [value]:
        assert "result" in each or isinstance(each["error"]["code"], int | str)
    assert answer.headers["x-request-id"]


@LENIENT
@given(body=st.binary(max_size=300))
def test_any_bytes(client: httpx2.Client, url: str, body: bytes) -> None:
    """Any body at all is answered in the protocol's form."""
    check(send(client, url, body, AUTH | {"content-type": "application/json"}))


@LENIENT
@given(body=MESSAGES | st.lists(MESSAGES, max_size=3), version=st.none() | VERSIONS, headers=HEADERS)
def test_any_message(client: httpx2.Client, url: str, body: Any, version: str | None, headers: dict[str, str]) -> None:
    """Any message under any headers is answered in the protocol's form."""
    named = {} if version is None else {"mcp-protocol-version": version}
    check(send(client, url, json.dumps(body).encode(), AUTH | {"content-type": "application/json"} | named | headers))


@LENIENT
@given(params=CALLS)
def test_any_call(client: httpx2.Client, url: str, params: Any) -> None:
    """Any arguments to any tool are answered in the protocol's form, in both eras."""
    headers = AUTH | {"content-type": "application/json"}
    check(send(client, url, json.dumps(legacy("tools/call", params)).encode(), headers))
    name = params["name"] if isinstance(params["name"], str) and params["name"].isascii() else "x"
    mirrored = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name.strip()}
    if mirrored["mcp-name"].isprintable():
        check(send(client, url, json.dumps(modern("tools/call", params)).encode(), headers | mirrored))


@LENIENT
@given(message_id=st.text(max_size=30) | st.integers(-9, 9), token=VALUES | st.text(alphabet="\n\r\x85\u2028\u2029x"))
def test_any_stream(client: httpx2.Client, url: str, message_id: Any, token: Any) -> None:
    """Whatever id and token, a stream is lines of `data`, progress for that token first, and the answer last."""
    params = {**query("REPORT"), "_meta": {"progressToken": token}}
    body = json.dumps(legacy("tools/call", params, message_id=message_id)).encode()
    accept = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    answer = send(client, url, body, AUTH | accept)
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["id"] == message_id
        return
    *told, response = [
        json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")
    ]
    assert [one["params"]["progressToken"] for one in told] == [token, token]
    assert (response["id"], "result" in response) == (message_id, True)
    assert {line for line in answer.text.splitlines() if not line.startswith("data: ")} == {"event: message", ""}


@LENIENT
@given(raw=st.binary(max_size=200))
def test_any_bytes_on_the_wire(client: httpx2.Client, url: str, raw: bytes) -> None:
    """What is not even HTTP gets a 4xx or a closed connection, and the server goes on."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        connection.sendall(b"POST /" + path.encode() + b" HTTP/1.1\r\nhost: " + host.encode() + b"\r\n" + raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    assert not answer or answer.split(b" ")[1][:1] in (b"2", b"4")
    assert (
        send(client, url, json.dumps(legacy("ping")).encode(), AUTH | {"content-type": "application/json"}).status_code
        == 200
    )
