"""Door: the ASGI wrapper every surface stands behind.

A request that comes through has an id, an allowed Host and Origin, and a body that is complete and small enough. What a
surface raises leaves as JSON; what it did not foresee leaves as `internal_error`, its text kept out of answer and log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.ids import new_id
from skipass.surfaces.edge.answers import STATUS, send_error
from skipass.surfaces.edge.asgi import REQUEST_ID, App, Message, Receive, Scope, Send
from skipass.surfaces.edge.body import BodyTimeoutError, ClientGoneError, read_body, replay
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.hosts import check_host, check_origin
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.edge.unforeseen import unforeseen

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


Refuse: TypeAlias = Callable[[Send, SkipassError, Headers, int], Awaitable[None]]
"""Answers a request whose body was not read, with an HTTP status."""


async def _refuse(send: Send, error: SkipassError, request: Headers, status: int) -> None:
    await send_error(send, error, request=request, status=status)


class Door:
    """Lets a request through to `app` once Host, Origin and body are acceptable; answers it otherwise.

    `any_origin` is for what is the same for everybody and meant to be read by pages of any site; `refuse` for a
    protocol that has a form of its own for failures.
    """

    def __init__(
        self, app: App, settings: EdgeSettings, clock: Clock, *, any_origin: bool = False, refuse: Refuse = _refuse
    ) -> None:
        self._app, self._settings, self._clock = app, settings, clock
        self._any_origin, self._refuse = any_origin, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; anything but HTTP and lifespan is refused."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REQUEST_ID] = new_id("request", self._clock.now())
        outgoing = _Outgoing(send, scope[REQUEST_ID])
        headers = Headers.of(scope)
        try:
            if await self._admit(headers, outgoing):
                await self._through(scope, headers, receive, outgoing)
        except ClientGoneError:
            return
        except SkipassError as error:
            if outgoing.begun:
                raise
            await send_error(outgoing, error, request=headers)
        except Exception as error:
            answer = unforeseen(error, scope[REQUEST_ID])
            if outgoing.begun:
                raise  # a stream that broke must look broken, not finished
            await send_error(outgoing, answer, request=headers)

    async def _admit(self, headers: Headers, send: Send) -> bool:
        try:
            check_host(headers, self._settings.allowed_hosts)
        except SkipassError as error:
            await send_error(send, error, request=headers, status=421)
            return False
        if not self._any_origin:
            check_origin(headers, self._settings.allowed_origins)
        return True

    async def _through(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        limits = self._settings
        try:
            body = await read_body(headers, receive, max_bytes=limits.max_body_bytes, deadline_s=limits.body_deadline_s)
        except BodyTimeoutError:
            late = SkipassError("invalid_request", "The request body did not arrive in time.", "Send it again, faster.")
            await self._refuse(send, late, headers, 408)
        except SkipassError as error:
            await self._refuse(send, error, headers, STATUS[error.kind])
        else:
            await self._app(scope, replay(body, receive), send)


class _Outgoing:
    """A `send` that stamps the request id on the answer and knows whether one has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._stamp = (b"x-request-id", request_id.encode("ascii"))
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message = {**message, "headers": [*given, self._stamp, *(h for h in _ALWAYS if h[0] not in names)]}
        await self._send(message)
