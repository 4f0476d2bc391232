"""One request to the gateway, asked again where that cannot run anything twice.

A request is repeated when it never arrived, or when it is a read, or when it carries an `Idempotency-Key`: the gateway
answers a key it knows with what the first request did. Knows paths as text. A credential leaves over https or to this
machine, never along a redirect and never through a proxy that the environment names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import orjson

from skipass import __version__
from skipass.sdk.address import Settings
from skipass.sdk.bearer import Bearer
from skipass.sdk.codes import GatewayUnreachable, InternalError, Unauthenticated
from skipass.sdk.errors import GatewayError, error_from
from skipass.snowflake.pace import Pace

if TYPE_CHECKING:
    import aiohttp

API = "/api/v1"
_AGAIN = frozenset({429, 502, 503, 504})
FIRST = Pace(first_s=0.1, limit_s=2.0, attempts=6)
# A gateway that has answered before is there: while it is restarted, a call waits some forty seconds for it.
KNOWN = Pace(first_s=0.1, limit_s=2.0, attempts=30)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `repeatable` says that sending it twice does no more than once; `identifier` whom it is for."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] | None = None
    key: str | None = None
    identifier: str | None = None
    repeatable: bool = False


def read(path: str, identifier: str | None = None, **query: str | int | None) -> Request:
    """Return a read; parameters that are None are left out."""
    given = {name: str(value) for name, value in query.items() if value is not None}
    return Request("GET", API + path, query=given, identifier=identifier, repeatable=True)


def change(method: str, path: str, body: Mapping[str, Any] | None = None, identifier: str | None = None) -> Request:
    """Return a change that may be made twice without harm: the second time there is nothing left to do."""
    return Request(method, API + path, body=body, identifier=identifier, repeatable=True)


def once(path: str, body: Mapping[str, Any]) -> Request:
    """Return a request that creates or runs, with a key of its own, so that it is done once however often sent."""
    return Request("POST", API + path, body=present(body), key=uuid4().hex, repeatable=True)


def present(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that are not None."""
    return {name: value for name, value in body.items() if value is not None}


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


class _Lost(Exception):
    """No answer came, or none that says what became of the request."""

    def __init__(self, error: GatewayError, *, arrived: bool = True, pause_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.arrived, self.pause_s = error, arrived, pause_s


class Transport:
    """Sends requests to one gateway; its connections belong to the event loop that used it last.

    `pace` says how often a request is asked again; left out, less often where no gateway has answered yet.
    """

    def __init__(self, settings: Settings, *, timeout_s: float, pace: Pace | None = None) -> None:
        self._url, self._timeout_s = settings.base_url, timeout_s
        self._pace, self._known = pace or FIRST, pace or KNOWN
        self._bearer = Bearer(settings, self._exchange)
        self._http: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: Request) -> dict[str, Any]:
        """Return the JSON object of an answer, empty for 204; raises `GatewayError`."""
        renewed, round_number = False, 0
        while True:
            try:
                return await self._attempt(request)
            except Unauthenticated:
                # A token that ended in between was refused before anything was done.
                if renewed or not self._bearer.forget():
                    raise
                renewed = True
            except _Lost as lost:
                round_number += 1
                may = request.repeatable or not lost.arrived
                if not may or round_number >= self._pace.attempts or (lost.pause_s or 0) > self._pace.patience_s:
                    raise lost.error from None
                await self._pace.wait(round_number - 1, lost.pause_s)

    async def _attempt(self, request: Request) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {await self._bearer.value()}"}
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        if request.identifier is not None:
            headers["Skipass-Identifier"] = request.identifier
        data = None
        if request.body is not None:
            data, headers["Content-Type"] = orjson.dumps(request.body), "application/json"
        return await self._exchange(request.method, request.path, data, headers, request.query)

    async def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> dict[str, Any]:
        import aiohttp

        try:
            async with self._session().request(
                method, self._url + path, params=query, data=data, headers=headers, allow_redirects=False
            ) as answer:
                return self._read(answer.status, answer.headers.get("Retry-After"), await answer.read())
        except aiohttp.ClientSSLError:
            hint = "SSL_CERT_FILE names the certificates to trust."
            raise GatewayUnreachable(message=f"No trusted connection to {self._url}.", hint=hint) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            arrived = not isinstance(problem, aiohttp.ClientConnectorError)
            hint = "Is it running, and is this its address? SKIPASS_URL says where it is looked for."
            error = GatewayUnreachable(message=f"No answer from {self._url}.", hint=hint, retryable=True)
            raise _Lost(error, arrived=arrived) from None

    def _read(self, status: int, retry_after: str | None, content: bytes) -> dict[str, Any]:
        if status == 204:
            return {}
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            body = None
        if 200 <= status < 300 and isinstance(body, dict):
            self._pace = self._known
            return body
        error = error_from(body, status)
        pause_s = float(retry_after) if retry_after and retry_after.isdigit() else None
        if error is None:
            error = self._no_gateway(status)
            if status in _AGAIN:
                raise _Lost(error, pause_s=pause_s)
        elif error.retryable and status in _AGAIN:
            raise _Lost(error, pause_s=pause_s)
        raise error

    def _no_gateway(self, status: int) -> GatewayError:
        hint = "The address must be that of a skipass gateway."
        message = f"{self._url} answered {status}, but not as a gateway does."
        kind = GatewayUnreachable if status != 500 else InternalError
        return kind(message=message, hint=hint, status=status)

    def _session(self) -> aiohttp.ClientSession:
        import aiohttp

        loop = asyncio.get_running_loop()
        if self._http is None or self._http.closed or self._loop is not loop:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s, connect=10.0)
            agent = {"Accept": "application/json", "User-Agent": f"skipass-python/{__version__}"}
            self._http = aiohttp.ClientSession(timeout=timeout, headers=agent, cookie_jar=aiohttp.DummyCookieJar())
            self._loop = loop
        return self._http

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()
