"""The other side of a notice: an HTTP server that answers as it is told, and a mail server that keeps what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Listener:
    """What came in, and how the next ones are answered (200 once the list is used up)."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep one request and answer it."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        return await self.answers.pop(0)(request) if self.answers else web.Response()


def status(code: int, **headers: str) -> Answer:
    """Answer with this status."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=headers)

    return answer


async def never(request: web.Request) -> web.StreamResponse:
    """Hang until the client goes away."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """Yield an HTTP server on a free loopback port."""
    listener = Listener()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", listener.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    listener.url = site_url(runner)
    try:
        yield listener
    finally:
        await runner.cleanup()


def site_url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


@asynccontextmanager
async def mail_server(mails: list[str]) -> AsyncIterator[int]:
    """Yield the port of a mail server that takes everything. Source: RFC 5321 3.1 to 3.3 and 4.1.1."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _converse(reader, writer, mails)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _converse(reader: Any, writer: Any, mails: list[str]) -> None:
    writer.write(b"220 here\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
        if verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            return
        writer.write(b"250 fine\r\n")
