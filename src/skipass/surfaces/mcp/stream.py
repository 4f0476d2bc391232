"""How the answer to one POST travels: as one JSON object, or as the end of a stream once there is more to say.

A stream begins with the first message for the client, or when the answer keeps it waiting; a comment then keeps
proxies from closing the connection. Before that a failure keeps its HTTP status, afterwards it is an event.
Source: MCP 2026-07-28 and 2025-11-25, Streamable HTTP (Sending Messages); HTML Living Standard 9.2 (event streams).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

from skipass.surfaces.edge.answers import send_empty, send_json
from skipass.surfaces.edge.asgi import Message, Send
from skipass.surfaces.edge.strict_json import to_json
from skipass.surfaces.mcp.line import Line

Answer: TypeAlias = tuple[int, Any]
"""HTTP status and JSON body; a body of None is an empty one."""

_HEADERS = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")]
_KEEP_ALIVE = b": still there\n\n"
_LINE_ENDS = tuple((char.encode(), f"\\u{ord(char):04x}".encode()) for char in "\u0085\u2028\u2029")


class Stream:
    """The answer of one request on its way out."""

    def __init__(self, send: Send, line: Line) -> None:
        self._send, self._line = send, line

    async def event(self, message: Any) -> None:
        """Send one message as an event, beginning the stream if need be."""
        await self._write(b"event: message\ndata: " + _on_one_line(to_json(message)) + b"\n\n")

    async def keep_alive(self) -> None:
        """Send a comment, beginning the stream if need be."""
        await self._write(_KEEP_ALIVE)

    async def end(self, answer: Answer) -> None:
        """Send the answer: the last event of a stream that has begun, else a plain one with its status."""
        status, body = answer
        if self._line.begun:
            await self.event(body)
            await self._put({"type": "http.response.body", "body": b""})
        else:
            await (send_empty(self._send, status) if body is None else send_json(self._send, status, body))

    async def _write(self, chunk: bytes) -> None:
        if not self._line.begun:
            self._line.begun = True
            await self._put({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._put({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _put(self, message: Message) -> None:
        """Send, or find that the client is gone; what that means for the work is not decided here."""
        with suppress(OSError):
            await self._send(message)


def _on_one_line(text: bytes) -> bytes:
    """Return JSON without the characters that end a line to some readers of streams, though not to the standard."""
    for raw, escaped in _LINE_ENDS:
        text = text.replace(raw, escaped)
    return text


async def awaited(
    work: Coroutine[Any, Any, Answer], line: Line, stream: Stream, *, streams: bool, keep_alive_s: float
) -> Answer:
    """Return what `work` returns, passing on what is told meanwhile where the client takes a stream.

    Raises what `work` raises; `work` has ended when this returns or is cancelled.
    """
    working = asyncio.ensure_future(work)
    try:
        if streams:
            await _pass_on(working, line, stream, keep_alive_s)
        answer = await working
        if streams and answer[0] == 200:
            for message in line.rest():
                await stream.event(message)
        return answer
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _pass_on(working: asyncio.Future[Answer], line: Line, stream: Stream, keep_alive_s: float) -> None:
    while not working.done():
        hearing = asyncio.ensure_future(line.heard())
        try:
            both: set[asyncio.Future[Any]] = {working, hearing}
            await asyncio.wait(both, timeout=keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            failed = working.done() and working.exception() is not None
            if hearing.done() and not failed:
                await stream.event(hearing.result())
            elif not working.done():
                await stream.keep_alive()
        finally:
            hearing.cancel()


async def ticking(work: Coroutine[Any, Any, Any], tick: Callable[[], None], every_s: float) -> Any:
    """Return what `work` returns, calling `tick` every `every_s` seconds until then."""
    ticker = asyncio.ensure_future(_tick(tick, every_s))
    try:
        return await work
    finally:
        ticker.cancel()


async def _tick(tick: Callable[[], None], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        tick()
