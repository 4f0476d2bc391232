"""The bridge: each line of the client is one POST, and every message of its answer one line back.

Requests run beside each other. A request that is taken back in a stateless revision is ended by closing its stream; in
the earlier ones the gateway is told. Knows JSON-RPC and the way out, no command and no credential.
Source: MCP 2026-07-28 and 2025-11-25, Transports (stdio, Streamable HTTP), Cancellation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import orjson

from skipass.cli.stdio import messages
from skipass.cli.stdio.messages import Message
from skipass.errors import SkipassError

MOST_AT_ONCE = 64
PATIENCE_S = 60.0
"""How long answers that are due are waited for once the client has closed its side."""

Write = Callable[[bytes], Awaitable[None]]


class Answer(Protocol):
    """What came back: the status, and every JSON text of the answer as it arrives."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    def texts(self) -> AsyncIterator[bytes]:
        """Yield the body, or each event of a stream."""
        ...


class Post(Protocol):
    """The way to the slug; raises `gateway_unreachable`."""

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]:
        """Send one message and give its answer."""
        ...


class Bridge:
    """Carries messages between one client and one slug."""

    def __init__(self, post: Post, write: Write) -> None:
        self._post, self._write = post, write
        self._running: dict[str, asyncio.Task[None]] = {}
        self._all: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._negotiated: str | None = None
        self._marks: dict[str, Any] = {}

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Carry everything until the client closes its side, and what is still due after that."""
        async for line in lines:
            if line.strip():
                await self._take(messages.read(line.strip()))
        if self._all:
            await asyncio.wait(self._all, timeout=PATIENCE_S)
        for task in tuple(self._all):
            task.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)

    async def _take(self, message: Message) -> None:
        if message.value is None:
            await self._write(messages.failure(None, "That line is not JSON.", code=messages.PARSE_ERROR))
            return
        withdrawn = self._running.get(_key(message.withdraws)) if message.withdraws is not None else None
        if withdrawn is not None and message.revision is not None:
            withdrawn.cancel()
            return
        await self._room.acquire()
        task = asyncio.create_task(self._carry(message))
        self._all.add(task)
        if message.is_request:
            self._running[_key(message.id)] = task
        task.add_done_callback(lambda done: self._done(message, done))

    def _done(self, message: Message, task: asyncio.Task[None]) -> None:
        self._room.release()
        self._all.discard(task)
        if self._running.get(_key(message.id)) is task:
            del self._running[_key(message.id)]

    async def _carry(self, message: Message) -> None:
        """Send one message, and pass on what comes back; a request is always answered, unless it was taken back."""
        try:
            answered = await self._exchange(message)
        except SkipassError as error:
            answered = False
            told = messages.failure(message.id, f"{error.code}: {error.message}", data=error.as_dict())
        except Exception as error:  # noqa: BLE001 - a client waits for ever for a request that nobody answers
            answered, told = False, messages.failure(message.id, f"The bridge failed: {type(error).__name__}.")
        else:
            told = messages.failure(message.id, "The gateway's answer ended before it was whole.")
        if message.is_request and not answered:
            await self._write(told)

    async def _exchange(self, message: Message) -> bool:
        """Return whether the answer that a request waits for has been passed on."""
        answered = False
        async with self._post(message.raw, messages.headers(message, self._negotiated, self._marks)) as answer:
            async for text in answer.texts():
                found = _parsed(text)
                if message.is_request and not _is_message(found):
                    raise _refusal(answer.status, found)
                if found is None:
                    continue
                if message.is_request and _answers(found, message.id):
                    answered = True
                    self._learn(message, found.get("result"))
                nameless = answered and found.get("id") is None
                await self._write(messages.one_line(_with_id(found, message.id) if nameless else text))
        return answered

    def _learn(self, message: Message, result: Any) -> None:
        if message.method == "initialize" and isinstance(result, dict):
            version = result.get("protocolVersion")
            self._negotiated = version if isinstance(version, str) else None
        elif message.method == "tools/list":
            self._marks |= messages.marks_in(result)


def _key(message_id: Any) -> str:
    """Return what tells ids apart: 1 and "1" are two."""
    return repr(message_id)


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _is_message(found: Any) -> bool:
    return isinstance(found, dict) and found.get("jsonrpc") == "2.0"


def _answers(found: Any, message_id: Any) -> bool:
    """Return whether a message is the answer to a request; a refusal of the whole post names no id."""
    if "result" not in found and "error" not in found:
        return False
    return _key(found.get("id")) == _key(message_id) or (found.get("id") is None and "error" in found)


def _with_id(found: Mapping[str, Any], message_id: Any) -> bytes:
    return orjson.dumps({**found, "id": message_id})


def _refusal(status: int, found: Any) -> SkipassError:
    """Return the refusal in an answer that is no JSON-RPC: the gateway's own, or that of something on the way."""
    error = found.get("error") if isinstance(found, dict) else None
    if status == 401:
        hint = "SKIPASS_API_KEY holds an agent's key; see skipass mcp-server show for who is let in."
        return SkipassError("unauthenticated", "The gateway does not accept the credential.", hint)
    if isinstance(error, dict):
        message, hint = str(error.get("message") or ""), str(error.get("hint") or "")
        return SkipassError("gateway_unreachable", f"The gateway answered {status}: {message}"[:500], hint[:500])
    hint = "SKIPASS_URL must be the address of a skipass gateway."
    return SkipassError("gateway_unreachable", f"Something answered {status}, but not as a gateway does.", hint)
