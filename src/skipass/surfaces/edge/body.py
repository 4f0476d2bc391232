"""Reading a request's body: never more bytes than the limit, never longer than the deadline."""

from __future__ import annotations

import asyncio

from skipass.errors import SkipassError
from skipass.surfaces.edge.asgi import Message, Receive
from skipass.surfaces.edge.headers import Headers


class BodyTimeoutError(Exception):
    """The body did not arrive within the deadline."""


class ClientGoneError(Exception):
    """The client went away before its request was complete; there is nobody to answer."""


async def read_body(headers: Headers, receive: Receive, *, max_bytes: int, deadline_s: float) -> bytes:
    """Return the whole body, at most `max_bytes`.

    Raises `request_too_large` (before reading, when Content-Length says so), `BodyTimeoutError`, `ClientGoneError`.
    """
    declared = headers.get("content-length")
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(deadline_s):
            return await _collect(receive, max_bytes)
    except TimeoutError:
        raise BodyTimeoutError from None


async def _collect(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(max_bytes: int) -> SkipassError:
    return SkipassError(
        "request_too_large",
        f"The request body is larger than {max_bytes:,} bytes.",
        "Send less in one request.",
        details={"max_bytes": max_bytes},
    )


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, in one piece, and then whatever the server has to say."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
