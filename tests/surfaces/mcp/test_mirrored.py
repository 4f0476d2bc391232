"""Arguments mirrored into `Mcp-Param-*` headers, as a tool's own schema asks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import mcp_param_headers, x_mcp_header_map

from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import Fault
from skipass.surfaces.mcp.mirrored import check_mirrored
from surfaces.mcp.fake import FakeBackend, headers_for, modern, post

SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "limit": {"type": "integer", "x-mcp-header": "Limit"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        "at": {"type": "object", "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}},
        "free": {"type": "string"},
    },
}


def judged(arguments: Mapping[str, Any], headers: Mapping[str, str], schema: Mapping[str, Any] = SCHEMA) -> int | None:
    """Return the code of the fault, None when the headers agree."""
    try:
        check_mirrored(schema, arguments, Headers((name.encode(), value.encode()) for name, value in headers.items()))
    except Fault as fault:
        return fault.code
    return None


def wrapped(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, {}),
        ({"region": None}, {}),
        ({"region": "eu"}, {"Mcp-Param-Region": "eu"}),
        ({"region": "eu"}, {"mcp-param-region": "  eu\t"}),
        ({"region": "Zürich"}, {"Mcp-Param-Region": wrapped("Zürich")}),
        ({"region": "=?base64?eu?="}, {"Mcp-Param-Region": wrapped("=?base64?eu?=")}),
        ({"limit": 42}, {"Mcp-Param-Limit": "42"}),
        ({"limit": 42}, {"Mcp-Param-Limit": "42.0"}),
        ({"limit": 42.0}, {"Mcp-Param-Limit": "42"}),
        ({"dry": True}, {"Mcp-Param-Dry": "true"}),
        ({"at": {"zone": "a"}}, {"Mcp-Param-Zone": "a"}),
        ({"free": "x"}, {"Mcp-Param-Free": "y"}),
        ({"region": ["eu"]}, {}),
    ],
)
def test_headers_that_say_what_the_body_says(arguments: dict[str, Any], headers: dict[str, str]) -> None:
    """A marked argument and its header agree, plain or wrapped, or neither is there; no other header counts."""
    assert judged(arguments, headers) is None


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu"}, {}),
        ({"region": "eu"}, {"Mcp-Param-Region": "us"}),
        ({"region": "eu"}, {"Mcp-Param-Region": "EU"}),
        ({}, {"Mcp-Param-Region": "eu"}),
        ({"region": None}, {"Mcp-Param-Region": "null"}),
        ({"region": "eu"}, {"Mcp-Param-Region": "=?base64?ZXU?="}),
        ({"region": "eu"}, {"Mcp-Param-Region": "=?base64?Z!U=?="}),
        ({"limit": 42}, {"Mcp-Param-Limit": "43"}),
        ({"limit": 42}, {"Mcp-Param-Limit": "4.2e1"}),
        ({"limit": 42}, {"Mcp-Param-Limit": "42.5"}),
        ({"limit": 10**400}, {"Mcp-Param-Limit": "1"}),
        ({"dry": True}, {"Mcp-Param-Dry": "1"}),
        ({"dry": True}, {"Mcp-Param-Dry": "True"}),
        ({"at": {"zone": "a"}}, {"Mcp-Param-Zone": "b"}),
        ({"at": "a"}, {"Mcp-Param-Zone": "a"}),
        ({"region": ["eu"]}, {"Mcp-Param-Region": "eu"}),
    ],
)
def test_headers_that_say_something_else(arguments: dict[str, Any], headers: dict[str, str]) -> None:
    """An absent header, another value or one without its argument is -32020: a proxy may have routed on it."""
    assert judged(arguments, headers) == -32020


def test_a_header_sent_twice() -> None:
    """Two copies of a mirrored header could be read two ways: -32020."""
    twice = [(b"mcp-param-region", b"eu"), (b"mcp-param-region", b"eu")]
    with pytest.raises(Fault) as caught:
        check_mirrored(SCHEMA, {"region": "eu"}, Headers(twice))
    assert caught.value.code == -32020


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": []},
        {"properties": {"region": True}},
        {"properties": {"region": {"type": "object", "x-mcp-header": "Region"}}},
        {"properties": {"region": {"type": "string", "x-mcp-header": "Re gion"}}},
        {"properties": {"region": {"type": "string", "x-mcp-header": 7}}},
        {"properties": {"region": {"type": ["string"], "x-mcp-header": "Region"}}},
        {"allOf": [{"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}]},
    ],
)
def test_a_mark_that_no_client_honours_asks_for_nothing(schema: dict[str, Any]) -> None:
    """A mark in a place or of a form that the specification does not know is not looked at."""
    assert judged({"region": "eu"}, {}, schema) is None


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40)


@given(st.fixed_dictionaries({}, optional={"region": st.text(max_size=40), "limit": SCALARS, "dry": SCALARS}))
def test_what_the_official_client_sends_agrees(arguments: dict[str, Any]) -> None:
    """Whatever the arguments, the headers that the official SDK makes of them pass."""
    assert judged(arguments, mcp_param_headers(x_mcp_header_map(SCHEMA), arguments)) is None


class Marked(FakeBackend):
    """Every tool of its has a marked argument."""

    async def input_schema(self, principal: Any, slug: str, name: str) -> Mapping[str, Any] | None:
        return {"properties": {"statement": {"type": "string", "x-mcp-header": "Statement"}}}


@pytest.mark.anyio
@pytest.mark.parametrize(("sent", "status", "calls"), [("SELECT 1", 200, 1), ("SELECT 2", 400, 0), (None, 400, 0)])
async def test_a_call_is_held_to_its_headers(url: str, backend: Marked, sent: str, status: int, calls: int) -> None:
    """A call whose header differs from its argument is refused before anything runs."""
    body = modern("tools/call", {"name": "snowflake_execute_query", "arguments": {"statement": "SELECT 1"}})
    answer = await post(url, body, headers_for(body, **{"mcp-param-statement": sent}))
    assert (answer.status_code, len(backend.calls)) == (status, calls)


@pytest.fixture
def backend() -> Marked:
    return Marked()
