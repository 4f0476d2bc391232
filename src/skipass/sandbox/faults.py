"""Faults that a test asked for: answers in place of the account's, cut connections, answers late or work done twice.

Each happens to one call; what the call did to the account before it was cut stays done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skipass.sandbox.control import Call, Fault, complete

_HANG_S = 3600.0
_PIECES = 8


async def serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send, call: Call, fault: Fault | None) -> None:
    """Serve one call through its fault, if it meets one, and complete its record."""
    call.fault = fault.kind if fault else None
    if fault is None:
        await app(scope, receive, _watched(call, scope, send))
        return
    await _before(fault)
    answer = _ANSWERS[fault.kind](fault) if fault.kind in _ANSWERS else None
    if answer is not None:
        complete(call, scope["state"], answer.status_code)
        await answer(scope, receive, send)
    elif fault.kind == "cut_before":
        await cut(receive)
    else:
        await _through(app, scope, receive, send, call, fault)


async def _before(fault: Fault) -> None:
    if fault.kind == "delay":
        await asyncio.sleep(fault.delay_ms / 1000)
    elif fault.kind == "hang":
        await asyncio.sleep(_HANG_S)


def _watched(call: Call, scope: Scope, send: Send) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            complete(call, scope["state"], message["status"])
        await send(message)

    return watched


async def _through(app: ASGIApp, scope: Scope, receive: Receive, send: Send, call: Call, fault: Fault) -> None:
    """Do the work first, all of it; then let the answer go, or not."""
    body = await _body(receive) if fault.kind == "twice" else b""
    sent: list[Message] = []

    async def hold(message: Message) -> None:
        sent.append(message)

    if fault.kind == "twice":
        await app({**scope, "state": dict(scope["state"])}, _again(body), hold)
        sent.clear()
    await app(scope, _again(body) if fault.kind == "twice" else receive, _watched(call, scope, hold))
    await _AFTER.get(fault.kind, _whole)(fault, sent, receive, send)


async def _whole(_: Fault, sent: list[Message], __: Receive, send: Send) -> None:
    for message in sent:
        await send(message)


async def _cut_after(_: Fault, __: list[Message], receive: Receive, ___: Send) -> None:
    await cut(receive)


async def _silent(_: Fault, __: list[Message], ___: Receive, ____: Send) -> None:
    await asyncio.sleep(_HANG_S)


async def _late(fault: Fault, sent: list[Message], receive: Receive, send: Send) -> None:
    await asyncio.sleep(fault.delay_ms / 1000)
    await _whole(fault, sent, receive, send)


async def _half(_: Fault, sent: list[Message], receive: Receive, send: Send) -> None:
    for message in sent:
        if message["type"] == "http.response.body":
            part = message.get("body", b"")
            await send({**message, "body": part[: len(part) // 2], "more_body": True})
            break
        await send(message)
    await cut(receive)


async def _drip(fault: Fault, sent: list[Message], _: Receive, send: Send) -> None:
    """Send the head at once and the body in pieces, spread over the delay."""
    body = b"".join(message.get("body", b"") for message in sent)
    size = max(len(body) // _PIECES, 1)
    await send(sent[0])
    for start in range(0, len(body), size):
        await asyncio.sleep(fault.delay_ms / 1000 / _PIECES)
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _without(fault: Fault, sent: list[Message], receive: Receive, send: Send) -> None:
    """Leave one member out of a JSON object; an answer that is none goes as it is."""
    body = b"".join(message.get("body", b"") for message in sent)
    start = sent[0]
    if (b"content-type", b"application/json") not in start["headers"]:
        await _whole(fault, sent, receive, send)
        return
    found = json.loads(body)
    found.pop(fault.member, None)
    body = json.dumps(found).encode()
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


_After = Callable[[Fault, list[Message], Receive, Send], Awaitable[None]]
_AFTER: dict[str, _After] = {
    "cut_after": _cut_after,
    "hang_after": _silent,
    "late": _late,
    "drip": _drip,
    "cut_middle": _half,
    "without": _without,
}


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def cut(receive: Receive) -> None:
    """Close the connection without an answer, or with what was sent of it so far.

    ASGI has no word for this, so it reaches for the transport behind the server's `receive`; under a server that
    hides it, the request ends as an answer that never comes.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        return
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass  # what is left of the request's body


def _oauth(error: str, status: int) -> Response:
    body: dict[str, Any] = {"data": None, "message": "Refused on demand.", "code": None, "success": False}
    return JSONResponse(body | {"error": error}, status)


def _network_policy(_: Fault) -> Response:
    text = "Incoming request with IP/Token 127.0.0.1 is not allowed to access Snowflake."
    return JSONResponse({"code": "390422", "message": f"{text} Contact your account administrator."}, 403)


# Version 1 of the API answered so: 200, and rows missing.
_TOO_LARGE: dict[str, Any] = {
    "resultSetMetaData": {
        "numRows": 2,
        "format": "jsonv2",
        "partitionInfo": [{"rowCount": 2, "uncompressedSize": 10}],
        "rowType": [{"name": "A", "type": "fixed", "precision": 38, "scale": 0, "length": None, "nullable": True}],
    },
    "data": [["1"]],
    "code": "391908",
    "sqlState": "00000",
    "message": "Result set too large. Not all rows are returned.",
    "statementHandle": "01b00000-0000-0000-0000-000000000000",
}
_ANSWERS: dict[str, Callable[[Fault], Response]] = {
    "throttle": lambda _: JSONResponse({"code": "390505", "message": "Too many requests."}, 429, {"Retry-After": "1"}),
    "error_json": lambda fault: JSONResponse({"code": "390400", "message": "Service unavailable."}, fault.status),
    "error_html": lambda fault: HTMLResponse(f"<html><body><h1>{fault.status}</h1></body></html>", fault.status),
    "wrong_json": lambda _: Response(b'{"code":"090001","data":[[', 200, media_type="application/json"),
    "too_large": lambda _: JSONResponse(_TOO_LARGE, 200),
    "not_object": lambda _: JSONResponse(["unexpected"], 200),
    "token_expired": lambda _: JSONResponse({"code": "390318", "message": "OAuth access token expired. [0]"}, 401),
    "network_policy": _network_policy,
    "unknown_account": lambda _: HTMLResponse("<html><body>513</body></html>", 513),
    "invalid_client": lambda _: _oauth("invalid_client", 401),
    "invalid_grant": lambda _: _oauth("invalid_grant", 400),
}
