"""The ASGI application: one POST to `/{slug}/mcp` is one message by one verified caller.

There are no transport sessions: no `Mcp-Session-Id` is ever given or read, and GET and DELETE answer 405.
Source: MCP 2026-07-28 and 2025-11-25, Streamable HTTP.
"""

from __future__ import annotations

import re
from contextlib import suppress

from skipass.clock import Clock
from skipass.errors import Kind, SkipassError
from skipass.surfaces.edge.answers import send_empty, send_error, send_json
from skipass.surfaces.edge.asgi import REQUEST_ID, App, Receive, Scope, Send, client_address
from skipass.surfaces.edge.bearer import Authenticator, principal_of
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.guide import Guide
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.endpoint import Endpoint, Post
from skipass.surfaces.mcp.exchange import NOTHING, Further
from skipass.surfaces.mcp.jsonrpc import INVALID_REQUEST, Fault
from skipass.surfaces.mcp.media import takes_stream
from skipass.surfaces.mcp.ports import ResourceBackend, ToolBackend, WaitingCalls
from skipass.surfaces.mcp.stream import Stream, awaited
from skipass.surfaces.mcp.withdrawal import WithdrawnError

_PATH = re.compile(r"/([a-z0-9][a-z0-9_-]{0,62})/mcp", re.ASCII)


def create_mcp_app(
    backend: ToolBackend,
    authenticator: Authenticator,
    settings: EdgeSettings,
    clock: Clock,
    *,
    resources: ResourceBackend | None = None,
    waiting: WaitingCalls | None = None,
    further: Further = NOTHING,
    guide: Guide | None = None,
) -> App:
    """Return the ASGI app that serves `/{slug}/mcp`, the door included; `guide` is how a client comes to a token."""
    endpoint = Endpoint(backend, settings, clock, resources=resources, waiting=waiting, further=further)
    return Door(_McpApp(endpoint, authenticator, settings.keep_alive_s, guide), settings, clock, refuse=_refuse)


async def _refuse(send: Send, error: SkipassError, request: Headers, status: int) -> None:
    """Answer a body that was not read as a client of this protocol can take it: it has no id to answer to."""
    fault = Fault(INVALID_REQUEST, error.message, cause=error)
    await send_json(send, status, fault.answer(None))


class _McpApp:
    def __init__(
        self, endpoint: Endpoint, authenticator: Authenticator, keep_alive_s: float, guide: Guide | None
    ) -> None:
        self._endpoint, self._authenticator, self._keep_alive_s = endpoint, authenticator, keep_alive_s
        self._guide = guide

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers.of(scope)
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            await send_error(send, SkipassError("not_found", hint="MCP is served at /{slug}/mcp."), request=headers)
        elif scope["method"] != "POST":
            await send_empty(send, 405, {"allow": "POST"})
        else:
            await self._asked(scope, path[1], receive, send)

    async def _asked(self, scope: Scope, slug: str, receive: Receive, send: Send) -> None:
        """Serve a post; a caller who is nobody, or whose token does not reach that far, is told how to get another."""
        try:
            await self._post(scope, slug, receive, send)
        except SkipassError as error:
            if self._guide is None or error.kind not in (Kind.UNAUTHENTICATED, Kind.FORBIDDEN):
                raise
            scopes = self._guide.scope if error.kind is Kind.UNAUTHENTICATED else error.details.get("scope")
            where = self._guide.metadata(slug)
            await send_error(send, error, request=Headers.of(scope), resource_metadata=where, scope=scopes)

    async def _post(self, scope: Scope, slug: str, receive: Receive, send: Send) -> None:
        headers = Headers.of(scope)
        resource = self._guide.resource(slug) if self._guide else None
        principal = await principal_of(headers, self._authenticator, resource)
        body = (await receive())["body"]
        post = Post(principal, slug, headers, scope[REQUEST_ID], receive, client_address(scope))
        stream, work = Stream(send, post.line), self._endpoint.answer(post, body)
        with suppress(WithdrawnError):
            streams = takes_stream(headers)
            answer = await awaited(work, post.line, stream, streams=streams, keep_alive_s=self._keep_alive_s)
            await stream.end(answer)
