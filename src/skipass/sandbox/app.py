"""The ASGI application: picks the account by host, meets the faults that a test asked for, serves every way in.

A host that names no account answers 403, 404 or 513 without JSON, as the vendor's wildcard host does.
Source: https://docs.snowflake.com/en/release-notes/bcr-bundles/un-bundled/bcr-1669.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from skipass.sandbox import faults
from skipass.sandbox.account import Account
from skipass.sandbox.control import Control, record
from skipass.sandbox.demoaccess import new_directory
from skipass.sandbox.idp.model import Directory
from skipass.sandbox.idp.provider import Provider
from skipass.sandbox.mcp import discovery
from skipass.sandbox.mcp.endpoint import Endpoint, server_name
from skipass.sandbox.oauth import endpoint as oauth
from skipass.sandbox.oauth.browser import PATH as AUTHORIZE
from skipass.sandbox.oauth.browser import Browser
from skipass.sandbox.runner import Runner
from skipass.sandbox.sqlapi import Api

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})
_EVERY = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
_SERVER = "/api/v2/databases/{database}/schemas/{schema}/mcp-servers/{server}"
_OF_PROVIDER = ("/oauth2/", f"{discovery.AS_PREFIX}/oauth2/")


def create_app(
    accounts: Account | Iterable[Account],
    *,
    control_token: str | None = None,
    seed: int = 0,
    directory: Directory | None = None,
    names: tuple[str, ...] = (),
) -> Sandbox:
    """Return the application over one account or several; the first answers on a bare loopback address and `names`."""
    chosen = [accounts] if isinstance(accounts, Account) else list(accounts)
    beside = directory or new_directory(chosen[0].host)
    return Sandbox(chosen, control_token or secrets.token_urlsafe(32), seed, beside, names)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways into one account."""

    account: Account
    api: Api
    mcp: Endpoint
    browser: Browser


def _doors(account: Account, seed: int) -> Doors:
    runner = Runner(account, seed)
    return Doors(account, Api(account, runner), Endpoint(account, runner), Browser(account))


class Sandbox:
    """An ASGI application. `control` is the state behind the control endpoint, its token included."""

    def __init__(
        self, accounts: list[Account], control_token: str, seed: int, directory: Directory, names: tuple[str, ...]
    ) -> None:
        self.accounts = {account.identifier: account for account in accounts}
        self.control = Control(self.accounts, control_token)
        self.control.random.seed(seed)
        self._first = accounts[0]
        self._names = frozenset(name.lower() for name in names)
        self._doors = {one.identifier: _doors(one, seed) for one in accounts}
        self.provider = Provider(directory, self._first.now, self._save)
        self._first.mint = self.provider.mint
        self.control.provider = self.provider
        self._inner: ASGIApp = Starlette(routes=self._routes(), lifespan=self._lifespan)

    def _save(self) -> None:
        with self._first.lock:
            self._first.save()

    def _routes(self) -> list[Route]:
        base = "/api/v2/statements"
        return [
            Route(base, self._submit, methods=_EVERY),
            Route(base + "/", self._submit, methods=_EVERY),
            Route(base + "/{handle}", self._status, methods=_EVERY),
            Route(base + "/{handle}/cancel", self._cancel, methods=_EVERY),
            Route(_SERVER, self._managed, methods=_EVERY),
            Route(discovery.PREFIX + _SERVER, self._resource, methods=["GET"]),
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route(oauth.PATH, self._token, methods=["POST"]),
            *self.provider.routes(),
            Route(discovery.AS_PREFIX + "{rest:path}", self._metadata, methods=["GET"]),
            Route("/control/{action}", self.control.answer, methods=["GET", "POST"]),
        ]

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        for doors in self._doors.values():
            await doors.api.runner.shut_down()

    async def _submit(self, request: Request) -> Response:
        return await _of(request).api.submit(request) if request.method == "POST" else _wrong_method()

    async def _status(self, request: Request) -> Response:
        return await _of(request).api.status(request) if request.method == "GET" else _wrong_method()

    async def _cancel(self, request: Request) -> Response:
        return await _of(request).api.cancel(request) if request.method == "POST" else _wrong_method()

    async def _managed(self, request: Request) -> Response:
        return await _of(request).mcp.answer(request)

    async def _resource(self, request: Request) -> Response:
        name = server_name(request)
        return Response(b"", 404) if name is None else discovery.resource(request, _of(request).account, name)

    async def _metadata(self, request: Request) -> Response:
        return discovery.authorization_server(request, _of(request).account)

    async def _authorize(self, request: Request) -> Response:
        browser = _of(request).browser
        return await (browser.go_on(request) if request.method == "POST" else browser.start(request))

    async def _token(self, request: Request) -> Response:
        return await oauth.answer(request, _of(request).account)

    def account_of(self, host: str) -> Account | None:
        """Return the account that a Host header names, or None."""
        name = host.lower().rpartition(":")[0] if host.rsplit(":", 1)[-1].isdigit() else host.lower()
        if name in _LOOPBACK or name in self._names:
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
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/control/"):
            await self._inner(scope, receive, send)
            return
        request = Request(scope, receive)
        host = request.headers.get("host", "")
        account = self.account_of(host)
        scope["state"] = {} if account is None else {"doors": self._doors[account.identifier]}
        call = record(self.control, request)
        # A server's address with underscores in its host is one that clients never get to.
        lost = account is None or ("_" in host and "/mcp-servers/" in path)
        app = self._stranger if lost and not path.startswith(_OF_PROVIDER) else self._inner
        fault = self.control.fault_for(request.method, request.url.path)
        await faults.serve(app, scope, receive, send, call, fault)

    async def _stranger(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the vendor's wildcard host answers a name of no account."""
        status = int(self._first.switches.unknown_host)
        await HTMLResponse(f"<html><body>{status}</body></html>", status)(scope, receive, send)


def _of(request: Request) -> Doors:
    found: Doors = request.scope["state"]["doors"]
    return found


def _wrong_method() -> Response:
    return Response(b"", 405)
