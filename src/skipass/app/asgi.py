"""The ASGI app: routed by the first path segment, so that a hot route never meets a framework it does not need."""

from __future__ import annotations

import hmac

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from skipass.app.intouch import InTouch
from skipass.app.settings import Settings
from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.oauth_scopes import FIRST
from skipass.nouns.principal import Role
from skipass.surfaces.connect.app import create_connect_app
from skipass.surfaces.console.app import create_console_app
from skipass.surfaces.edge.answers import send_error, send_json
from skipass.surfaces.edge.asgi import App, Message, Receive, Scope, Send
from skipass.surfaces.edge.bearer import bearer_from
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.events import Streams
from skipass.surfaces.edge.guide import RESOURCE_METADATA, Guide
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.issuers.app import create_issuers_app
from skipass.surfaces.mcp.app import create_mcp_app
from skipass.surfaces.oauth.app import create_metadata_app, create_oauth_app
from skipass.surfaces.oauth.metadata import METADATA_PATH
from skipass.surfaces.rest.app import create_rest_app
from skipass.surfaces.sqlapi.app import create_sqlapi_app

_log = structlog.get_logger("skipass.http")


def create_app(
    gateway: Gateway, settings: Settings, edge: EdgeSettings, clock: Clock, streams: Streams | None = None
) -> App:
    """Return the whole gateway as one ASGI app.

    `streams` are the answers that go on until somebody ends them: a server that stops waits for every answer.
    """
    resources, waiting = gateway.resources, gateway.waiting_calls
    guide = Guide(gateway.deps.base_url, " ".join(FIRST))
    mcp = create_mcp_app(
        gateway.calls, gateway.authenticator, edge, clock, resources=resources, waiting=waiting, guide=guide
    )
    rest = create_rest_app(gateway, edge, clock)
    console = create_console_app(gateway, edge, clock, streams)
    house = Door(_House(gateway, settings), edge, clock)
    rooms: dict[str, App] = {"api": rest, "healthz": house, "readyz": house, "metrics": house}
    rooms |= {"console": console, "sign-in": console, "issuers": create_issuers_app(gateway, edge, clock)}
    connect = create_connect_app(gateway, edge, clock)
    oauth = create_oauth_app(gateway, edge, clock)
    rooms |= {"connect": connect, "oauth/upstream-callback": connect, "oauth": oauth}
    metadata = create_metadata_app(gateway, edge, clock)
    rooms |= {METADATA_PATH[1:]: metadata, RESOURCE_METADATA[1:]: metadata}
    sqlapi = create_sqlapi_app(gateway, edge, clock)
    rooms |= {"api/v2": sqlapi, "c": sqlapi}
    journal, router = gateway.deps.journal, _Router(rooms, mcp)
    return _Logged(router if journal.exclusive else InTouch(router, journal.in_touch), clock)


class _Router:
    def __init__(self, rooms: dict[str, App], otherwise: App) -> None:
        self._rooms, self._otherwise = rooms, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        segments = scope.get("path", "/").split("/", 3)[1:3] if scope["type"] == "http" else [""]
        room = self._rooms.get("/".join(segments)) or self._rooms.get(segments[0], self._otherwise)
        await room(scope, receive, send)


class _House:
    """Health, readiness, metrics."""

    def __init__(self, gateway: Gateway, settings: Settings) -> None:
        self._gateway, self._settings = gateway, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers.of(scope)
        path = scope["path"].rstrip("/")
        if path == "/healthz":
            await send_json(send, 200, {"status": "ok"})
        elif path == "/readyz":
            ready = await self._gateway.ready()
            await send_json(send, 200 if all(ready.values()) else 503, {"ready": all(ready.values()), "checks": ready})
        elif path == "/metrics":
            await self._may_measure(headers)
            await _send_text(send, generate_latest())
        else:
            await send_error(send, SkipassError("not_found"), request=headers)

    async def _may_measure(self, headers: Headers) -> None:
        bearer, token = bearer_from(headers), self._settings.metrics_token
        if token is not None and hmac.compare_digest(bearer.encode(), token.get_secret_value().encode()):
            return
        principal = await self._gateway.authenticator.authenticate(bearer)
        if not principal.is_person or not {Role.ADMIN, Role.AUDITOR} & principal.roles:
            raise SkipassError("forbidden", "Metrics are for admins, auditors and SKIPASS_METRICS_TOKEN.")


async def _send_text(send: Send, body: bytes) -> None:
    headers = [(b"content-type", CONTENT_TYPE_LATEST.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Logged:
    """One log line a request: method, path, status, milliseconds, request id; no query, no header, no body."""

    def __init__(self, app: App, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        seen: dict[str, object] = {"status": 0, "request_id": ""}

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                given = dict(message.get("headers", ()))
                seen["request_id"] = given.get(b"x-request-id", b"").decode()
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            took = round((self._clock.monotonic() - started) * 1000, 1)
            _log.info("request", method=scope["method"], path=scope["path"][:200], ms=took, **seen)
