"""The ASGI app of `/api/v2/statements` and `/c/{connection}/api/v2/statements`: plain ASGI, one governed call each.

Every refusal of a verified caller ends in the record, and leaves in the form that Snowflake's clients read.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/reference
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.execute import Target
from skipass.gateway.streaming import Stream, StreamCutError
from skipass.ids import as_uuid
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.surfaces.edge.answers import send_empty, send_json
from skipass.surfaces.edge.asgi import REQUEST_ID, App, Receive, Scope, Send, client_address
from skipass.surfaces.edge.bearer import challenge
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.sqlapi.callers import caller_of, says_signed
from skipass.surfaces.sqlapi.coding import coded, takes_gzip
from skipass.surfaces.sqlapi.media import media_problem
from skipass.surfaces.sqlapi.replies import Reply, answered, cancelled, links, refused
from skipass.surfaces.sqlapi.requests import Place, Query, place_of, session_from, submitted
from skipass.tools.call import CallContext

EXECUTE, STATUS, CANCEL = "snowflake_execute_query", "snowflake_get_query_status", "snowflake_cancel_query"
# How long Snowflake itself keeps a synchronous submit. Source: …/sql-api/submitting-requests
WINDOW_S = 45.0
_log = logging.getLogger("skipass.sqlapi")


def create_sqlapi_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves the SQL API, the door included."""
    return Door(_SqlApi(gateway, settings), settings, clock)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of a verified caller, aimed at a connection where its path or its token names one."""

    scope: Scope
    headers: Headers
    place: Place
    principal: Principal
    target: Target

    @property
    def call(self) -> CallContext:
        client = (self.headers.get("user-agent") or "")[:100] or None
        return CallContext(
            self.scope[REQUEST_ID], client_name=client, wait_s=WINDOW_S, client_address=client_address(self.scope)
        )


class _SqlApi:
    def __init__(self, gateway: Gateway, settings: EdgeSettings) -> None:
        self._gateway, self._settings = gateway, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers, place = Headers.of(scope), place_of(scope["path"])
        if place is None:
            await _send(send, Reply(404, {"code": "390404", "message": "There is no such path."}))
        elif scope["method"] != place.method:
            await send_empty(send, 405, {"allow": place.method})
        elif (problem := media_problem(headers, scope["method"])) is not None:
            await _send(send, problem)
        else:
            await self._verified(scope, headers, place, receive, send)

    async def _verified(self, scope: Scope, headers: Headers, place: Place, receive: Receive, send: Send) -> None:
        try:
            caller = await caller_of(headers, place, self._gateway)
        except SkipassError as error:
            await _send(send, refused(error, place.handle, signed=says_signed(headers)))
            return
        request = _Request(scope, headers, place, caller.principal, Target(connection=caller.connection))
        content = (await receive())["body"]
        try:
            await self._answer(request, content, send)
        except SkipassError as error:
            await _send(send, refused(error, place.handle))

    async def _answer(self, request: _Request, content: bytes, send: Send) -> None:
        if request.place.handle is None:
            await _send(send, await self._submit(request, content))
        elif request.place.cancels:
            await _send(send, await self._cancel(request, content))
        else:
            await self._fetch(request, send)

    async def _submit(self, request: _Request, content: bytes) -> Reply:
        async with self._recording(request, EXECUTE):
            arguments = submitted(request.scope, content, self._settings)
            target = replace(request.target, session_id=session_from(request.headers))
        envelope = await self._call(request, target, EXECUTE, arguments)
        return answered(envelope, request.place.prefix, no_result=arguments["async"])

    async def _cancel(self, request: _Request, content: bytes) -> Reply:
        async with self._recording(request, CANCEL):
            Query(request.scope, "requestId").request_id()
            if content.strip() not in (b"", b"{}"):
                raise SkipassError("invalid_request", "A cancel has no body.", "Send none, or {}.")
        about = {"statement_handle": request.place.statement_id}
        envelope = await self._call(request, request.target, CANCEL, about)
        return cancelled(envelope, request.place.prefix, request.place.handle or "")

    async def _fetch(self, request: _Request, send: Send) -> None:
        async with self._recording(request, STATUS):
            query = Query(request.scope, "requestId", "partition")
            query.request_id()
            index = query.partition()
        if index:
            await self._partition(request, index, send)
            return
        about = {"statement_handle": request.place.statement_id}
        envelope = await self._call(request, request.target, STATUS, about)
        await _send(send, answered(envelope, request.place.prefix, request.place.handle))

    async def _partition(self, request: _Request, index: int, send: Send) -> None:
        place, streaming = request.place, self._gateway.streaming
        async with streaming.partition(request.principal, place.statement_id, index, request.call) as found:
            if isinstance(found, Envelope):
                await _send(send, answered(found, place.prefix, place.handle))
            else:
                await _pass_on(found, index, place.prefix, send, gzip=takes_gzip(request.headers))

    async def _call(self, request: _Request, target: Target, tool: str, arguments: Mapping[str, Any]) -> Envelope:
        call = request.call if tool == EXECUTE else replace(request.call, wait_s=0.0)
        return await self._gateway.calls.call(request.principal, target, tool, arguments, call)

    @contextlib.asynccontextmanager
    async def _recording(self, request: _Request, tool: str) -> AsyncIterator[None]:
        """Let what is wrong with a request itself out only once it is on record."""
        try:
            yield
        except SkipassError as error:
            await self._gateway.calls.record_refusal(request.principal, "", error, request.call, tool=tool)
            raise


async def _send(send: Send, reply: Reply) -> None:
    more = {"www-authenticate": challenge(error="invalid_token")} if reply.status == 401 else {}
    await send_json(send, reply.status, reply.body, {**reply.headers, **more})


async def _pass_on(stream: Stream, index: int, prefix: str, send: Send, *, gzip: bool) -> None:
    """Send a partition as it comes; one that is cut is left without its end, so that it cannot look whole."""
    begun = False
    try:
        headers, pieces = await coded(stream.pieces, gzip=gzip)
        headers |= {"content-type": "application/json", "vary": "accept-encoding"}
        headers |= links(as_uuid(stream.statement.id), prefix, index, stream.count)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        async for piece in pieces:
            if not begun:
                await send({"type": "http.response.start", "status": 200, "headers": raw})
            begun = True
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except StreamCutError as cut:
        if not begun:
            raise SkipassError("snowflake_unavailable", f"The partition broke off: {cut}.", retryable=True) from None
        _log.warning("a partition was cut: %s", cut)
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})
