"""The ASGI application: picks the account by host, meets the faults that a test asked for, serves the SQL API.

A host that names no account answers 403 without JSON, as the vendor's wildcard host does.
Source: https://docs.snowflake.com/en/release-notes/bcr-bundles/un-bundled/bcr-1669.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from skipass.sandbox.account import Account
from skipass.sandbox.control import Call, Control, Fault, complete, record
from skipass.sandbox.runner import Runner
from skipass.sandbox.sqlapi import Api

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})
_HANG_S = 3600.0


def create_app(accounts: Account | Iterable[Account], *, control_token: str | None = None, seed: int = 0) -> Sandbox:
    """Return the application over one account or several; the first answers on a bare loopback address."""
    chosen = [accounts] if isinstance(accounts, Account) else list(accounts)
    return Sandbox(chosen, control_token or secrets.token_urlsafe(32), seed)


class Sandbox:
    """An ASGI application. `control` is the state behind the control endpoint, its token included."""

    def __init__(self, accounts: list[Account], control_token: str, seed: int = 0) -> None:
        self.accounts = {account.identifier: account for account in accounts}
        self.control = Control(self.accounts, control_token)
        self.control.random.seed(seed)
        self._first = accounts[0]
        self._apis = {one.identifier: Api(one, Runner(one, seed)) for one in accounts}
        self._inner: ASGIApp = Starlette(routes=self._routes(), lifespan=self._lifespan)

    def _routes(self) -> list[Route]:
        base = "/api/v2/statements"
        every = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
        return [
            Route(base, self._submit, methods=every),
            Route(base + "/", self._submit, methods=every),
            Route(base + "/{handle}", self._status, methods=every),
            Route(base + "/{handle}/cancel", self._cancel, methods=every),
            Route("/control/{action}", self.control.answer, methods=["GET", "POST"]),
        ]

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        for api in self._apis.values():
            await api.runner.shut_down()

    async def _submit(self, request: Request) -> Response:
        return await self._api(request).submit(request) if request.method == "POST" else _wrong_method()

    async def _status(self, request: Request) -> Response:
        return await self._api(request).status(request) if request.method == "GET" else _wrong_method()

    async def _cancel(self, request: Request) -> Response:
        return await self._api(request).cancel(request) if request.method == "POST" else _wrong_method()

    def _api(self, request: Request) -> Api:
        found: Api = request.scope["state"]["api"]
        return found

    def account_of(self, host: str) -> Account | None:
        """Return the account that a Host header names, or None."""
        name = host.lower().rpartition(":")[0] if host.rsplit(":", 1)[-1].isdigit() else host.lower()
        if name in _LOOPBACK:
            return self._first
        for account in self.accounts.values():
            label = account.identifier.lower()
            for one in (label, label.replace("_", "-")):
                if name in (f"{one}.snowflakecomputing.com", f"{one}.localhost", one):
                    return account
            if name.split(".")[0] == account.locator.lower():
                return account
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the application."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._inner(scope, receive, send)
            return
        request = Request(scope, receive)
        account = self.account_of(request.headers.get("host", ""))
        if account is None:
            await HTMLResponse("<html><body>403 Forbidden</body></html>", 403)(scope, receive, send)
            return
        scope["state"] = {"api": self._apis[account.identifier]}
        call = record(self.control, request)
        fault = self.control.fault_for(request.method, request.url.path)
        await self._serve(scope, receive, send, call, fault)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, call: Call, fault: Fault | None) -> None:
        call.fault = fault.kind if fault else None
        if fault is not None:
            await _before(fault, receive)
            answer = _answer(fault)
            if answer is not None:
                complete(call, scope["state"], answer.status_code)
                await answer(scope, receive, send)
                return
        if fault is not None and fault.kind == "cut_before":
            return
        silent = fault is not None and fault.kind == "cut_after"

        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                complete(call, scope["state"], message["status"])
                if silent:
                    cut(receive)
            if not silent:
                await send(message)

        await self._inner(scope, receive, watched)


async def _before(fault: Fault, receive: Receive) -> None:
    if fault.kind == "delay":
        await asyncio.sleep(fault.delay_ms / 1000)
    elif fault.kind == "hang":
        await asyncio.sleep(_HANG_S)
    elif fault.kind == "cut_before":
        cut(receive)


def _answer(fault: Fault) -> Response | None:
    if fault.kind == "throttle":
        return JSONResponse({"code": "390505", "message": "Too many requests."}, 429, {"Retry-After": "1"})
    if fault.kind == "error_json":
        return JSONResponse({"code": "390400", "message": "Service unavailable."}, fault.status)
    if fault.kind == "error_html":
        return HTMLResponse(f"<html><body><h1>{fault.status}</h1></body></html>", fault.status)
    if fault.kind == "wrong_json":
        return Response(b'{"code":"090001","data":[[', 200, media_type="application/json")
    if fault.kind == "token_expired":
        return JSONResponse({"code": "390318", "message": "OAuth access token expired. [0]"}, 401)
    if fault.kind == "network_policy":
        text = "Incoming request with IP/Token 127.0.0.1 is not allowed to access Snowflake."
        return JSONResponse({"code": "390422", "message": f"{text} Contact your account administrator."}, 403)
    if fault.kind == "unknown_account":
        return HTMLResponse("<html><body>513</body></html>", 513)
    return None


def cut(receive: Receive) -> None:
    """Close the connection without an answer.

    ASGI has no word for this, so it reaches for the transport behind the server's `receive`; under a server that
    hides it, the request ends as an answer that never comes.
    """
    owner = getattr(receive, "__self__", None)
    transport = getattr(owner, "transport", None)
    if transport is not None:
        transport.abort()


def _wrong_method() -> Response:
    return Response(b"", 405)
