"""Lists: pages of tools, what is declared, and what a server that serves tools answers about everything else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

import skipass
from skipass.tools.catalogue import CATALOGUE
from skipass.tools.wire import wire_tool
from surfaces.mcp.fake import AUTH, FakeBackend, headers_for, legacy, modern, post, send_modern

pytestmark = pytest.mark.anyio
NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)


class Many(FakeBackend):
    """A slug with as many tools as a relayed server may have."""

    def __init__(self) -> None:
        super().__init__()
        self.names = [f"tool_{n:05}" for n in range(10_000)]

    async def list_tools(self, principal: Any, slug: str) -> Sequence[Mapping[str, Any]]:
        return [{"name": name, "inputSchema": {"type": "object"}, "odd": {"kept": True}} for name in self.names]


@pytest.fixture
def many(backend: FakeBackend) -> Many:
    assert isinstance(backend, Many)
    return backend


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> FakeBackend:
    return Many() if "many" in request.fixturenames else FakeBackend()


async def pages(url: str, era: str) -> list[list[str]]:
    """Return the names on each page, following the cursor to the end."""
    found: list[list[str]] = []
    params: dict[str, Any] = {}
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as client:
        while True:
            body = (modern if era == "modern" else legacy)("tools/list", params)
            headers = headers_for(body) if era == "modern" else AUTH
            result = (await client.post(url, json=body, headers=headers)).json()["result"]
            found.append([tool["name"] for tool in result["tools"]])
            if "nextCursor" not in result:
                return found
            params = {"cursor": result["nextCursor"]}


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_ten_thousand_tools_come_in_pages(url: str, many: Many, era: str) -> None:
    """Following the cursor gives every tool once, in order, on pages of a bounded size."""
    found = await pages(url, era)
    assert [name for page in found for name in page] == many.names
    assert {len(page) for page in found} == {200}


async def test_a_tool_is_listed_as_it_came(url: str, many: Many) -> None:
    """A member that nobody here knows is passed on, and one odd tool spoils no list."""
    tools = (await send_modern(url, "tools/list")).json()["result"]["tools"]
    assert tools[0] == {"name": "tool_00000", "inputSchema": {"type": "object"}, "odd": {"kept": True}}


async def test_a_cursor_whose_tool_is_gone(url: str, many: Many) -> None:
    """A cursor names its place in the list; once that is lost it is unknown, and the hint says how to go on."""
    cursor = (await send_modern(url, "tools/list")).json()["result"]["nextCursor"]
    many.names.remove("tool_00199")
    answer = await send_modern(url, "tools/list", {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32602)
    assert "without a cursor" in answer.json()["error"]["data"]["hint"]


@pytest.mark.parametrize("cursor", ["", "x", "x" * 10_000, 7, [], {}, True])
async def test_a_cursor_that_is_none(url: str, many: Many, cursor: Any) -> None:
    """Anything else in a cursor's place is -32602, whatever its type and length."""
    assert (await post(url, legacy("tools/list", {"cursor": cursor}))).json()["error"]["code"] == -32602


async def test_the_catalogue_fits_one_page(url: str) -> None:
    """The built-in tools come on one page, the same way each time."""
    first, again = await pages(url, "modern"), await pages(url, "modern")
    assert first == again == [[spec.name for spec in CATALOGUE]]


def test_every_tool_is_one_a_client_accepts() -> None:
    """Names are of the allowed characters, input is an object, and no schema points outside itself."""
    for tool in map(wire_tool, CATALOGUE):
        assert NAME.fullmatch(tool["name"])
        assert tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object"
        text = json.dumps(dict(tool["inputSchema"]) | dict(tool["outputSchema"]), default=dict)
        assert all(ref.startswith("#") for ref in re.findall(r'"\$ref": "([^"]*)"', text))


@pytest.mark.parametrize(
    "method",
    [
        "initialize",
        "ping",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
        "resources/list",
        "subscriptions/listen",
        "tasks/get",
        "sampling/createMessage",
    ],
)
async def test_what_is_not_declared_is_not_served(url: str, method: str) -> None:
    """A stateless server that declares tools answers 404 and -32601 to everything else, and names what there is."""
    params = {"name": "x"} if method == "prompts/get" else {}
    answer = await send_modern(url, method, params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)
    assert "tools/call" in answer.json()["error"]["data"]["hint"]
    declared = (await send_modern(url, "server/discover")).json()["result"]["capabilities"]
    assert declared == {"tools": {"listChanged": False}}


@pytest.mark.parametrize("method", ["completion/complete", "logging/setLevel", "resources/subscribe", "tasks/get"])
async def test_older_clients_are_told_too(url: str, method: str) -> None:
    """What is neither declared nor a list is unknown in the handshake era as well: -32601, with HTTP 200."""
    answer = await post(url, legacy(method, {}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32601)


async def test_a_prompt_that_is_not_there(url: str) -> None:
    """An older client that asks for a prompt gets -32602 with a hint."""
    error = (await post(url, legacy("prompts/get", {"name": "x"}))).json()["error"]
    assert (error["code"], error["data"]["hint"]) == (-32602, "This server has tools only.")


async def test_a_resource_where_none_can_be_read(url: str) -> None:
    """Without resources an older client's read is -32002, with the address it asked for."""
    answer = await post(url, legacy("resources/read", {"uri": "skipass://x"}))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["data"]["uri"]) == (200, -32002, "skipass://x")
    assert (await post(url, legacy("resources/read", {"uri": 7}))).json()["error"]["code"] == -32602


async def test_answers_are_the_callers_own(url: str) -> None:
    """Every list says that it may be kept for a minute, by this caller alone; a call says neither."""
    listed = (await send_modern(url, "tools/list")).json()["result"]
    assert (listed["ttlMs"], listed["cacheScope"], listed["resultType"]) == (60_000, "private", "complete")
    body = modern("tools/call", {"name": "snowflake_execute_query", "arguments": {"statement": "SELECT 1"}})
    sent = AUTH | {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call"}
    called = (await post(url, body, sent | {"mcp-name": "snowflake_execute_query"})).json()["result"]
    assert {"ttlMs", "cacheScope"} & set(called) == set()


def test_hints_decide_nothing() -> None:
    """No module that decides, runs or records a call reads a tool's annotations."""
    source = Path(skipass.__file__).parent
    reading = [
        path
        for room in ("access", "gateway", "nouns", "vault")
        for path in (source / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "annotations"
    ]
    assert reading == []
