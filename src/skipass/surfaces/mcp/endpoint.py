"""From the bytes of one POST to the status and body of its answer.

Everything that can be wrong with a message ends here as a JSON-RPC error and is handed to the record.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from skipass.clock import Clock
from skipass.errors import Kind, SkipassError
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.asgi import Receive
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.edge.strict_json import parse_json
from skipass.surfaces.edge.unforeseen import unforeseen
from skipass.surfaces.mcp import jsonrpc, methods
from skipass.surfaces.mcp.context import call_context
from skipass.surfaces.mcp.exchange import NOTHING, Exchange, Further, Json
from skipass.surfaces.mcp.jsonrpc import Fault, Message
from skipass.surfaces.mcp.line import Line, Progress
from skipass.surfaces.mcp.media import check_media
from skipass.surfaces.mcp.modern import check_notification, check_request
from skipass.surfaces.mcp.ports import ResourceBackend, ToolBackend, WaitingCalls
from skipass.surfaces.mcp.revisions import VERSION_HEADER, Era, era_of, meta_of
from skipass.surfaces.mcp.stream import Answer, ticking
from skipass.surfaces.mcp.withdrawal import WithdrawnError, unless_withdrawn
from skipass.tools.call import CallContext

_MAX_BATCH = 20
# A request without a version speaks 2025-03-26: the header came with the revision after it.
_BATCH_VERSIONS: tuple[list[str], ...] = ([], ["2025-03-26"])


@dataclass(frozen=True, slots=True)
class Post:
    """One POST by a verified caller."""

    principal: Principal
    slug: str
    headers: Headers
    request_id: str
    receive: Receive
    client_address: str | None = None
    line: Line = field(default_factory=Line)


class Endpoint:
    """Answers posts to any slug."""

    def __init__(
        self,
        backend: ToolBackend,
        settings: EdgeSettings,
        clock: Clock,
        *,
        resources: ResourceBackend | None = None,
        waiting: WaitingCalls | None = None,
        further: Further = NOTHING,
    ) -> None:
        self._backend, self._resources, self._waiting, self._further = backend, resources, waiting, further
        self._settings, self._clock = settings, clock

    async def answer(self, post: Post, body: bytes) -> Answer:
        """Return the answer to one POST; raises `unauthenticated`, `insufficient_scope` and `WithdrawnError`."""
        try:
            check_media(post.headers)
            value = self._parsed(body)
        except Fault as fault:
            return await self._refused(post, fault, None)
        if isinstance(value, list) and post.headers.all(VERSION_HEADER) in _BATCH_VERSIONS:
            return await self._batch(post, value)
        return await self._message(post, value)

    def _parsed(self, body: bytes) -> Any:
        limits = self._settings
        try:
            return parse_json(body, max_depth=limits.max_json_depth, max_tokens=limits.max_json_tokens)
        except SkipassError as error:
            raise Fault(jsonrpc.PARSE_ERROR, error.message, cause=error) from None

    async def _batch(self, post: Post, values: list[Any]) -> Answer:
        """Answer each message in turn. Source: MCP 2025-03-26, Base Protocol (Batching); later revisions have none."""
        if not 0 < len(values) <= _MAX_BATCH:
            fault = Fault(jsonrpc.INVALID_REQUEST, f"A batch holds 1 to {_MAX_BATCH} messages.", hint="Send fewer.")
            return await self._refused(post, fault, None)
        bodies = [(await self._message(post, value, alone=False))[1] for value in values]
        answers = [body for body in bodies if body is not None]
        return (200, answers) if answers else (202, None)

    async def _message(self, post: Post, value: Any, *, alone: bool = True) -> Answer:
        try:
            message = jsonrpc.message_from(value)
            era = era_of(post.headers, message.params)
            if message.id is None:
                return self._notification(post, message, era)
            result = await self._request(post, message, era)
        except Fault as fault:
            return await self._refused(post, fault, jsonrpc.id_of(value))
        except SkipassError as error:
            if alone and not post.line.begun:
                raise
            # The status has left already or is that of other calls too, so whoever is not let in learns it from here.
            return 200, jsonrpc.fault_of(error).answer(jsonrpc.id_of(value), post.request_id)
        return 200, {"jsonrpc": "2.0", "id": message.id, "result": result}

    def _notification(self, post: Post, message: Message, era: Era) -> Answer:
        if era is Era.MODERN:
            check_notification(message, post.headers)
        return 202, None

    async def _request(self, post: Post, message: Message, era: Era) -> Json:
        if era is Era.MODERN:
            check_request(message, post.headers)
            return await self._guarded(post, message, era)
        try:
            return await self._guarded(post, message, era)
        except Fault as fault:
            raise fault.in_legacy() from None

    async def _guarded(self, post: Post, message: Message, era: Era) -> Json:
        """Let only faults, what a challenge answers, and a withdrawal out, whatever the backend raises."""
        try:
            return await self._result(post, message, era)
        except (Fault, WithdrawnError):
            raise
        except SkipassError as error:
            if error.kind is Kind.UNAUTHENTICATED or error.code == "insufficient_scope":
                raise
            raise jsonrpc.fault_of(error) from None
        except Exception as error:  # noqa: BLE001 - an older client waits for ever on a 500 without JSON-RPC
            raise jsonrpc.fault_of(unforeseen(error, post.request_id)) from None

    async def _result(self, post: Post, message: Message, era: Era) -> Json:
        progress = Progress(post.line, meta_of(message.params).get("progressToken"))
        exchange = await self._exchange(post, message, era, progress)
        work: Coroutine[Any, Any, Json] = methods.answer(exchange)
        if progress.wanted and message.method == "tools/call":
            began = self._clock.monotonic()
            work = ticking(
                work, lambda: progress.tick(round(self._clock.monotonic() - began, 1)), self._settings.progress_s
            )
        # Only the stateless revision reads a closed stream as a withdrawal; elsewhere it cancels nothing.
        return await (unless_withdrawn(work, post.receive) if era is Era.MODERN else work)

    async def _exchange(self, post: Post, message: Message, era: Era, progress: Progress) -> Exchange:
        context = call_context(message, post.headers, request_id=post.request_id, wait_s=self._settings.wait_s)
        return Exchange(
            backend=self._backend,
            principal=post.principal,
            server=await self._backend.server(post.principal, post.slug),
            call=replace(context, client_address=post.client_address, report=progress.report),
            params=message.params,
            method=message.method,
            era=era,
            headers=post.headers,
            line=post.line,
            resources=self._resources,
            waiting=self._waiting,
            further=self._further,
        )

    async def _refused(self, post: Post, fault: Fault, message_id: str | int | None) -> Answer:
        if not fault.recorded:
            with suppress(SkipassError):  # nothing ran, so an unrecorded refusal is answered all the same
                call = CallContext(post.request_id, wait_s=self._settings.wait_s)
                await self._backend.record_refusal(post.principal, post.slug, fault.cause, call)
        return fault.status, fault.answer(message_id, post.request_id)
