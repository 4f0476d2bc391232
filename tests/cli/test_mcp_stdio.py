"""The bridge for clients without HTTP: lines on one side, a slug on the other, and nothing changed in between."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

import npm
from gateways import Stage, served
from program import Program
from skipass.cli.stdio import messages
from skipass.cli.stdio.bridge import Bridge
from skipass.cli.stdio.events import Events
from skipass.cli.stdio.way import Way, session
from skipass.secret import Secret
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.jsonrpc import message_from
from skipass.surfaces.mcp.mirrored import check_mirrored
from skipass.surfaces.mcp.modern import check_request, decoded
from skipass.tools.catalogue import CATALOGUE

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
JUDGES = Path(__file__).parents[1] / "surfaces" / "mcp" / "judges"
NAMES = [spec.name for spec in CATALOGUE]
TOOL = "snowflake_execute_query"
INPUT = {"statement": "SELECT COUNT(*) AS N FROM OPS_DB.OPS.ORDERS"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "judge", "version": "1"},
}
COMMAND = [sys.executable, "-m", "skipass.cli.main", "mcp", "stdio", "--slug"]


def environment(url: str, key: str, home: Path) -> dict[str, str]:
    """Return what the bridge's process sees."""
    return {**os.environ, "SKIPASS_URL": url, "SKIPASS_API_KEY": key, "SKIPASS_HOME": str(home)}


def asked(number: Any, method: str, **params: Any) -> dict[str, Any]:
    """Return a request of the stateless revision."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}


async def talk(url: str, key: str, home: Path, *lines: Any, slug: str = "jit") -> tuple[list[Any], str, int]:
    """Return what the bridge's process says to lines that are all there at once, its remarks, and how it ended."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        slug,
        env=environment(url, key, home),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    out, remarks = await process.communicate(text.encode())
    assert process.returncode is not None
    return [json.loads(line) for line in out.splitlines()], remarks.decode(), process.returncode


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_python_sdk_lists_and_calls_through_it(at: Stage, tmp_path: Path, mode: Any) -> None:
    """The official Python client starts the bridge, lists every tool and runs a query, in both eras."""
    await at.session()
    async with served(at) as url:
        parameters = StdioServerParameters(
            command=COMMAND[0],
            args=[*COMMAND[1:], "jit"],
            env=environment(url, at.keys["agent"]["api_key"], tmp_path),
        )
        async with Client(parameters, mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            answer = await client.call_tool(TOOL, INPUT)
    assert tools == NAMES
    assert not answer.is_error
    assert len(at.sent("COUNT(*)")) == 1


async def test_the_typescript_sdk_lists_and_calls_through_it(
    at: Stage, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """The official TypeScript client starts the bridge, lists every tool and runs a query."""
    cache = pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path
    packages = await anyio.to_thread.run_sync(npm.installed, JUDGES, cache)
    if packages is None:
        pytest.skip("npm, Node 22 or the clients are not installed")
    await at.session()
    async with served(at) as url:
        script = packages.program(
            "sdk_stdio.mjs", COMMAND[0], json.dumps([*COMMAND[1:], "jit"]), TOOL, json.dumps(INPUT)
        )
        seen = {**script.environment, **environment(url, at.keys["agent"]["api_key"], tmp_path)}
        told = await Program(script.command, script.place, seen).talk()
    assert (told["tools"], told["is_error"]) == (NAMES, False)
    assert "status: success" in told["text"]


async def test_what_is_due_is_answered_before_it_ends(at: Stage, tmp_path: Path) -> None:
    """Lines from a pipe that is closed at once are all answered, what is no JSON too, and the exit status is 0."""
    async with served(at) as url:
        lines = (
            asked(1, "tools/list"),
            "{not json\n",
            "\n",
            asked("1", "server/discover"),
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            asked(3, "no/such/method"),
        )
        answers, remarks, status = await talk(url, at.keys["agent"]["api_key"], tmp_path, *lines)
    by_id = {repr(one.get("id")): one for one in answers}
    assert set(by_id) == {"1", "'1'", "None", "3"}
    assert [tool["name"] for tool in by_id["1"]["result"]["tools"]] == NAMES
    assert "supportedVersions" in by_id["'1'"]["result"]
    assert by_id["None"]["error"]["code"] == -32700
    assert by_id["3"]["error"]["code"] == -32601
    assert (status, remarks) == (0, "")


async def test_a_handshake_chooses_the_revision_of_what_follows(at: Stage, tmp_path: Path) -> None:
    """After `initialize` the earlier revisions work as they do over HTTP."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "judge", "version": "1"}}
    async with served(at) as url:
        lines = (
            {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        )
        answers, _, _ = await talk(url, at.keys["agent"]["api_key"], tmp_path, *lines)
    by_id = {one["id"]: one["result"] for one in answers}
    assert by_id[0]["protocolVersion"] == "2025-06-18"
    assert by_id[1] == {}


@pytest.mark.parametrize(("key", "slug"), [("skp_wrong", "jit"), (None, "no-such-slug")])
async def test_a_closed_door_is_an_answer_and_never_names_the_key(
    at: Stage, tmp_path: Path, key: str | None, slug: str
) -> None:
    """A wrong key and a slug that lets nobody in answer each request with an error; no key is in any output."""
    text = key or at.keys["agent"]["api_key"]
    async with served(at) as url:
        answers, remarks, status = await talk(url, text, tmp_path, asked(7, "tools/list"), slug=slug)
    (answer,) = answers
    assert answer["id"] == 7
    assert "error" in answer
    assert text not in json.dumps(answers) + remarks
    assert status == 0


async def test_without_a_gateway_each_request_is_told_so(tmp_path: Path) -> None:
    """Where nothing listens the client gets an error it can show, and no request is left waiting."""
    answers, _, status = await talk("http://127.0.0.1:9", "skp_any", tmp_path, asked(1, "tools/list"), asked(2, "x"))
    assert sorted(one["id"] for one in answers) == [1, 2]
    assert all("gateway_unreachable" in one["error"]["message"] for one in answers)
    assert status == 0


async def test_without_a_credential_it_does_not_start(tmp_path: Path) -> None:
    """No key and no sign-in: nothing on standard output, the reason on standard error, exit 1."""
    answers, remarks, status = await talk("http://127.0.0.1:9", "", tmp_path, asked(1, "tools/list"))
    assert (answers, status) == ([], 1)
    assert remarks.startswith("unauthenticated: ")


# What a gateway may answer, by a server of the test's own.


@asynccontextmanager
async def bridged(handler: Any) -> AsyncIterator[tuple[asyncio.Queue[bytes | None], asyncio.Queue[Any]]]:
    """Yield what the client writes to and reads from, over a bridge to a server that answers by `handler`."""
    app = web.Application()
    app.router.add_post("/s/mcp", handler)
    app.router.add_route("*", "/{other:.*}", _elsewhere)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()

    async def coming() -> AsyncIterator[bytes]:
        while (line := await lines.get()) is not None:
            yield line

    async def write(line: bytes) -> None:
        assert b"\n" not in line
        said.put_nowait(json.loads(line))

    try:
        async with session() as http:
            way = Way(http, f"http://127.0.0.1:{port}/s/mcp", Secret("key-of-this-test"), "sam")
            running = asyncio.create_task(Bridge(way, write).run(coming()))
            yield lines, said
            lines.put_nowait(None)
            await running
    finally:
        await runner.cleanup()


async def _elsewhere(request: web.Request) -> web.Response:
    raise AssertionError(f"nothing may go to {request.path}")


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def streamed(*parts: bytes) -> Any:
    """Return a handler that answers by a stream of these pieces."""

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for part in parts:
            await answer.write(part)
        await answer.write_eof()
        return answer

    return handler


async def test_every_message_of_a_stream_is_passed_on_in_order() -> None:
    """Progress, a question of the server and the answer come one by one; comments and blank events do not."""
    asks = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {}}
    tells = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    pretty = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"big": 12345678901234567890123}}, indent=1)
    body = b": still there\n\nevent: message\r\ndata: " + json.dumps(tells).encode() + b"\r\n\r\n"
    body += b"data: " + json.dumps(asks).encode() + b"\n\n"
    body += b"".join(b"data: " + part.encode() + b"\n" for part in pretty.splitlines()) + b"\n"
    async with bridged(streamed(body[:70], body[70:71], body[71:])) as (lines, said):
        lines.put_nowait(line(asked(1, "tools/call", name="x", arguments={})))
        assert [await said.get() for _ in range(3)] == [tells, asks, json.loads(pretty)]
    assert said.empty()


async def test_a_stream_that_breaks_off_is_an_error() -> None:
    """An answer that ends before it is whole fails its request, once."""
    tells = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    async with bridged(streamed(b"data: " + json.dumps(tells).encode() + b"\n\ndata: {")) as (lines, said):
        lines.put_nowait(line(asked(1, "tools/list")))
        assert (await said.get()) == tells
        broken = await said.get()
        assert (broken["id"], broken["error"]["code"]) == (1, messages.UNREACHABLE)
    assert said.empty()


async def test_taking_a_stateless_request_back_closes_its_stream() -> None:
    """The server sees the connection go, nothing is forwarded, and no answer comes; other requests go on."""
    gone, began = asyncio.Event(), asyncio.Event()
    methods: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        methods.append(body["method"])
        if body["method"] == "tools/list":
            return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": []}})
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return answer

    async with bridged(handler) as (lines, said):
        lines.put_nowait(line(asked(1, "tools/call", name="slow", arguments={})))
        await began.wait()
        back = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "_meta": META}}
        lines.put_nowait(line(back))
        await gone.wait()
        lines.put_nowait(line(asked(2, "tools/list")))
        assert (await said.get())["id"] == 2
    assert said.empty()
    assert methods == ["tools/call", "tools/list"]


async def test_in_the_earlier_revisions_the_gateway_is_told() -> None:
    """Without a revision of its own a cancellation is forwarded like any notification."""
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.put_nowait(await request.json())
        return web.Response(status=202)

    back = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    async with bridged(handler) as (lines, said):
        lines.put_nowait(line(back))
        assert await seen.get() == back
    assert said.empty()


async def test_nothing_follows_a_redirect_and_the_bytes_stay_as_they_are() -> None:
    """A redirect is an error and the credential goes nowhere else; what the client wrote arrives byte for byte."""
    came: list[tuple[bytes, Mapping[str, str]]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        came.append((await request.read(), dict(request.headers)))
        raise web.HTTPTemporaryRedirect("/elsewhere")

    odd = b'{"jsonrpc":"2.0", "id":1,"method":"ping","params":{"n":1e400,"u":"\\ud83d\\ude00"}}'
    async with bridged(handler) as (lines, said):
        lines.put_nowait(odd + b"\r\n")
        told = await said.get()
    assert told["id"] == 1
    assert "307" in told["error"]["message"]
    (body, headers) = came[0]
    assert (body, len(came)) == (odd, 1)
    assert headers["Authorization"] == "Bearer key-of-this-test"
    assert headers["Skipass-Identifier"] == "sam"
    assert "key-of-this-test" not in json.dumps(told)


async def test_an_answer_without_an_id_goes_to_the_request_that_it_is_for() -> None:
    """A refusal of the whole post names no id, and gets the one of the request that was posted."""

    async def handler(request: web.Request) -> web.StreamResponse:
        error = {"code": -32600, "message": "no"}
        return web.json_response({"jsonrpc": "2.0", "id": None, "error": error}, status=400)

    async with bridged(handler) as (lines, said):
        lines.put_nowait(line(asked("mine", "tools/list")))
        assert (await said.get()) == {"jsonrpc": "2.0", "id": "mine", "error": {"code": -32600, "message": "no"}}


async def test_what_a_tool_wants_in_headers_is_sent_there() -> None:
    """Arguments that a listed tool marks travel in headers as well, as the gateway checks them."""
    schema = {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"dry": {"type": "boolean", "x-mcp-header": "Dry"}}},
        },
    }
    arguments = {"region": "zürich\n", "deep": {"dry": True}}
    heard: asyncio.Queue[Headers] = asyncio.Queue()

    async def handler(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["method"] == "tools/list":
            tools = [{"name": "book", "inputSchema": schema}]
            return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": tools}})
        heard.put_nowait(Headers([(name.lower(), value) for name, value in request.raw_headers]))
        return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": {}})

    async with bridged(handler) as (lines, said):
        lines.put_nowait(line(asked(1, "tools/list")))
        await said.get()
        lines.put_nowait(line(asked(2, "tools/call", name="book", arguments=arguments)))
        headers = await heard.get()
        await said.get()
    check_mirrored(schema, arguments, headers)
    assert headers.get("mcp-param-dry") == "true"


@given(st.text(max_size=40))
def test_any_text_survives_a_header(text: str) -> None:
    """What is written into a header is printable ASCII, and the gateway reads the same text out of it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    sent = messages.encoded(text)
    assert sent.isascii()
    assert sent == "" or sent.isprintable()
    assert decoded(sent) == text


@given(st.sampled_from(["tools/call", "prompts/get", "resources/read", "tools/list"]), st.text(min_size=1, max_size=20))
def test_the_gateway_takes_the_headers_of_any_stateless_request(method: str, name: str) -> None:
    """Whatever a tool, a prompt or a resource is called, the headers say what the gateway reads in the body."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    body = asked(1, method, name=name, uri=name)
    headers = messages.headers(messages.read(json.dumps(body).encode()), "2025-06-18", {})
    pairs = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    check_request(message_from(body), Headers(pairs))


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\r\n\0"), min_size=1), max_size=5), st.data())
def test_a_stream_reads_the_same_however_it_is_cut(texts: list[str], data: st.DataObject) -> None:
    """Events come out whole and in order wherever the pieces end, with any of the three line endings."""
    ends = [data.draw(st.sampled_from(["\n", "\r\n", "\r"])) for _ in texts]
    whole = "".join(f"data: {text}{end}{end}" for text, end in zip(texts, ends, strict=True)).encode("utf-8", "replace")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    events, found = Events(), []
    for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += list(events.feed(whole[start:stop]))
    # A CR at the very end may be half of a line ending: the next byte tells.
    found += list(events.feed(b":\n"))
    assert found == [text.encode("utf-8", "replace") for text in texts]
