"""An account's host that is real but for its MCP server, which answers whatever a test wants."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from gateways import Stage
from serving import serving
from skipass.app.demo_seed import managed_url
from skipass.gateway.drafting import ConnectionRequest
from skipass.gateway.slug_names import Access
from skipass.nouns.connection import Connection
from skipass.secret import Secret

SLUG = "hostile"
GOOD = {
    "name": "sql-exec-tool",
    "title": "Run SQL",
    "description": "Runs one query on the operations data.",
    "inputSchema": {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]},
}
Answer = Callable[[Any], Response]


def result(value: Any) -> Answer:
    """Answer with this result."""
    return lambda number: _json({"jsonrpc": "2.0", "id": number, "result": value})


def error(message: str, code: int = -32603) -> Answer:
    """Answer 200 with an error inside."""
    return lambda number: _json({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}})


def raw(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Answer:
    """Answer with these bytes."""
    return lambda _: Response(body, status, {name.replace("_", "-"): v for name, v in headers.items()}, kind)


def redirect(to: str) -> Answer:
    """Send elsewhere."""
    return lambda _: RedirectResponse(to, 307)


def half_a_stream(_: Any) -> Response:
    """Begin a stream and end it before the answer."""
    return Response(
        b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: {"jsonrpc"', 200, {}, "text/event-stream"
    )


def hang(_: Any) -> Response:
    """Send a head and then nothing."""

    async def nothing() -> AsyncIterator[bytes]:
        yield b" "
        await asyncio.sleep(30)

    return StreamingResponse(nothing(), 200, {}, "application/json")


def nested(depth: int) -> Answer:
    """Answer with a schema of this depth."""
    body = b'{"jsonrpc":"2.0","id":%d,"result":{"tools":[{"name":"deep","inputSchema":'
    schema = b'{"type":"object","properties":{"a":' * depth + b"{}" + b"}}" * depth
    return lambda number: Response(body % number + schema + b"}]}}", 200, {}, "application/json")


def packed(size_bytes: int) -> Answer:
    """Answer with few bytes that unpack to many."""
    body = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{"tools":[' + b" " * size_bytes + b"]}}")
    return raw(body, content_encoding="gzip")


def _json(value: Any) -> Response:
    return Response(json.dumps(value).encode(), 200, {}, "application/json")


class Host:
    """The host's answers: `listing` and `calling` are for the MCP server, everything else is the account's own."""

    def __init__(self, at: Stage) -> None:
        self.at, self.listing, self.calling = at, result({"tools": [GOOD]}), result({"content": []})
        self.calls: list[dict[str, Any]] = []
        self.tokens: list[str] = []

    def app(self) -> Starlette:
        methods = ["GET", "POST"]
        managed = Route("/api/v2/databases/{rest:path}", self._managed, methods=methods)
        return Starlette(routes=[managed, Route("/{rest:path}", self._forwarded, methods=methods)])

    async def _managed(self, request: Request) -> Response:
        message = await request.json()
        self.tokens.append(request.headers["authorization"])
        if message["method"] == "tools/list":
            return self.listing(message["id"])
        self.calls.append(message["params"])
        return self.calling(message["id"])

    async def _forwarded(self, request: Request) -> Response:
        url = f"{self.at.sandbox.url}{request.url.path}?{request.url.query}"
        names = ("authorization", "content-type", "x-snowflake-authorization-token-type", "accept")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with (
            aiohttp.ClientSession() as http,
            http.request(request.method, url, data=await request.body() or None, headers=headers) as got,
        ):
            return Response(await got.read(), got.status, {}, got.content_type)


@asynccontextmanager
async def hostile(at: Stage) -> AsyncIterator[Host]:
    """Yield a host with a connection and a relay to it, which the demo's agent may use."""
    host = Host(at)
    with serving(host.app()) as url:
        admin = await at.principal("admin")
        service = next(user for user in at.sandbox.users if user.default_role != "ACCOUNTADMIN")
        await at.gateway.connections.add(
            admin,
            ConnectionRequest(
                name="elsewhere",
                account="SKIPASS-SANDBOX",
                login=service.login_name,
                role=service.default_role,
                private_key=Secret(service.private_key_path.read_text()),
                host=url,
                warehouse="AGENT_WH",
                database="OPS_DB",
                schema="OPS",
            ),
        )
        await _allow(at)
        server = {"database": "OPS_DB", "schema": "OPS", "name": "OPS_MCP"}
        everybody = Access(agents_of_connection=True)
        await at.gateway.relays.add(admin, SLUG, managed_url(url, server), connection="elsewhere", access=everybody)
        yield host


async def _allow(at: Stage) -> None:
    """Give the demo's agent the connection."""

    async def allow(unit: Any) -> None:
        from skipass.nouns.people import Agent

        (connection,) = await unit.find(Connection, name="elsewhere")
        agent = await unit.get(Agent, at.keys["agent"]["id"])
        await unit.change(agent, connections=(*agent.connections, connection.id))

    await at.gateway.deps.journal.write(allow)
