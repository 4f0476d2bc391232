"""A loopback HTTP server that plays written answers byte for byte and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from skipass.snowflake import Target


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived; header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `raw` replaces everything else; `cut_after` closes the connection after that many bytes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    cut_after: int | None = None
    hold: Callable[[], Awaitable[None]] | None = None

    def encoded(self) -> bytes:
        """Return the bytes to send."""
        if self.raw is not None:
            return self.raw
        headers = {"content-length": str(len(self.body)), **{k.lower(): v for k, v in self.headers.items()}}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} X\r\n{head}\r\n".encode("latin-1") + self.body


Responder = Callable[[Seen], Reply]


class Server:
    """Answers each request with what `respond` gives for it; `connections` and `bytes_in` count all that came."""

    def __init__(self, respond: Responder) -> None:
        self.respond = respond
        self.seen: list[Seen] = []
        self.connections = 0
        self.bytes_in = 0
        self.port = 0

    @property
    def target(self) -> Target:
        """The target to give to a client."""
        return Target("127.0.0.1", "http", self.port)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends or an answer cuts it."""
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.bytes_in += len(head) + len(body)
        method, address, _ = request.split(" ")
        parts = urlsplit(address)
        seen = Seen(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
        self.seen.append(seen)
        reply = self.respond(seen)
        if reply.hold:
            await reply.hold()
        encoded = reply.encoded()
        writer.write(encoded if reply.cut_after is None else encoded[: reply.cut_after])
        await writer.drain()
        return reply.cut_after is None and reply.raw is None


@asynccontextmanager
async def serving(respond: Responder) -> AsyncIterator[Server]:
    """Run a server on a free loopback port."""
    server = Server(respond)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await server.handle(reader, writer)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def in_turn(*replies: Reply) -> Responder:
    """Return a responder that gives these answers in order."""
    remaining = list(replies)

    def respond(_: Seen) -> Reply:
        return remaining.pop(0)

    return respond
