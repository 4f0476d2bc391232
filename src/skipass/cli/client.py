"""The gateway over HTTP, for commands: one request, one JSON answer, or the refusal it carries.

Knows paths only as text. A bearer leaves over https or to this machine itself, never along a redirect and never
through a proxy that the environment names.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from skipass import __version__
from skipass.cli import environment
from skipass.cli.credentials import Credentials
from skipass.cli.failures import Refusal
from skipass.errors import SkipassError
from skipass.secret import Secret

API = "/api/v1"
_PAGE = 200
_TOTAL_S, _CONNECT_S = 120.0, 10.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway at `base_url` and the bearer to call it with."""

    base_url: str
    bearer: Secret[str] | None = None
    identifier: str | None = None

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Return the answer of a read; raises `Refusal` with what the gateway said, or `gateway_unreachable`."""
        return asyncio.run(self._call("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, nulls: bool = False) -> dict[str, Any]:
        """Return the answer of a change, empty where there is none; members that are None go only with `nulls`."""
        sent = {name: value for name, value in (body or {}).items() if nulls or value is not None}
        return asyncio.run(self._call("POST", path, body=sent))

    def delete(self, path: str) -> None:
        """Ask for something to be deleted."""
        asyncio.run(self._call("DELETE", path))

    def pages(self, path: str, **query: str | int | None) -> Iterator[list[dict[str, Any]]]:
        """Yield a list page by page, to its end."""
        cursor: str | None = None
        while True:
            answer = self.get(path, limit=_PAGE, cursor=cursor, **query)
            yield answer["items"]
            cursor = answer.get("next_cursor")
            if not cursor:
                return

    def items(self, path: str, limit: int, **query: str | int | None) -> tuple[list[dict[str, Any]], bool]:
        """Return at most `limit` items of a list, and whether there are more."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = self.get(path, limit=min(_PAGE, limit - len(found)), cursor=cursor, **query)
            found += answer["items"]
            cursor = answer.get("next_cursor")
            if not cursor or len(found) >= limit:
                return found[:limit], bool(cursor) or len(found) > limit

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=_TOTAL_S, connect=_CONNECT_S)
        params = {name: str(value) for name, value in (query or {}).items() if value is not None}
        data = orjson.dumps(body) if method == "POST" else None
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.request(
                    method,
                    f"{self.base_url}{API}{path}",
                    params=params,
                    data=data,
                    headers=self._headers(data is not None),
                    allow_redirects=False,
                ) as answer,
            ):
                return _read(answer.status, await answer.read(), self.base_url)
        except aiohttp.ClientSSLError:
            hint = "SSL_CERT_FILE names the certificates to trust."
            raise SkipassError("gateway_unreachable", f"No trusted connection to {self.base_url}.", hint) from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            hint = "Is it running (skipass serve)? SKIPASS_URL says where it is looked for."
            message = f"No answer from {self.base_url}."
            raise SkipassError("gateway_unreachable", message, hint, retryable=True) from None

    def _headers(self, with_body: bool) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"skipass-cli/{__version__}"}
        if with_body:
            headers["Content-Type"] = "application/json"
        if self.bearer is not None:
            headers["Authorization"] = f"Bearer {self.bearer.reveal()}"
        if self.identifier is not None:
            headers["Skipass-Identifier"] = self.identifier
        return headers


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")


def _read(status: int, body: bytes, base_url: str) -> dict[str, Any]:
    if status == 204:
        return {}
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and 200 <= status < 300:
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        hint = "SKIPASS_URL must be the address of a skipass gateway."
        raise SkipassError("gateway_unreachable", f"{base_url} answered {status}, but not as a gateway does.", hint)
    code, message, hint = (str(error.get(member) or "") for member in ("code", "message", "hint"))
    details = error.get("details")
    raise Refusal(code or "internal_error", message, hint, details if isinstance(details, dict) else None)


def checked_url(url: str) -> str:
    """Return the base URL without a trailing slash; raises `invalid_request` unless it is https or loopback."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.username is not None:
        hint = "Example: https://skipass.example.com"
        raise SkipassError("invalid_request", "The gateway's address is not an http or https URL.", hint)
    if parts.scheme == "http" and not _loopback(host):
        hint = "Use https, or an address of this machine such as http://127.0.0.1:8787."
        raise SkipassError("invalid_request", f"A credential is not sent to {host} over plain http.", hint)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def stored() -> Credentials:
    """Return the credentials file of this person."""
    return Credentials(environment.home() / "credentials.json")


def current_url() -> str:
    """Return the gateway of the environment, else the one last signed in to, else the default."""
    return checked_url(environment.url() or stored().default_url() or environment.DEFAULT_URL)


def gateway(identifier: str | None = None) -> Gateway:
    """Return the gateway with the credential of the environment or of the last sign-in; raises `unauthenticated`."""
    url = current_url()
    bearer = environment.api_key() or stored().token(url)
    if bearer is None:
        hint = "skipass login signs a person in; SKIPASS_API_KEY holds an agent's key."
        raise SkipassError("unauthenticated", f"There is no credential for {url}.", hint)
    return Gateway(url, bearer, identifier)
