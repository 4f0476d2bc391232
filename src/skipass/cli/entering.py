"""Signing in without a link: by a browser that comes back to this machine, or by a code that a person types anywhere.

The token comes from the gateway's own token endpoint, over https or from this machine itself. Knows no terminal.
Source: RFC 8252 §7.3 and §8.10; RFC 7636; RFC 8628 §3; RFC 9207 §2.4
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from skipass import __version__
from skipass.errors import SkipassError
from skipass.secret import Secret
from skipass.snowflake.auth.oauth import Proof

CLIENT = "skipass-cli"
WAIT_S = 300.0
_SLOWER_S = 5
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_METADATA = "/.well-known/oauth-authorization-server"
_PAGE = b"<!doctype html><meta charset=utf-8><title>skipass</title><p>%s You can close this page.</p>"
_MOST_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway's authorization server; `links` says whether people still sign in by one-time links there."""

    url: str
    issuer: str
    links: bool

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the JSON that a form is answered with, a refusal among it."""
        return await _exchange("POST", f"{self.url}{path}", form)


async def server_of(url: str) -> Server:
    """Return what the gateway at this address says of itself; raises `gateway_unreachable`."""
    told = await _exchange("GET", f"{url}{_METADATA}", None)
    if not isinstance(told.get("issuer"), str):
        hint = "SKIPASS_URL must be the address of a skipass gateway."
        raise SkipassError("gateway_unreachable", f"{url} does not answer as a gateway does.", hint)
    return Server(url, told["issuer"], bool(told.get("skipass_one_time_links")))


async def by_browser(server: Server, show: Callable[[str], None]) -> Mapping[str, Any]:
    """Return the token of whoever agrees in a browser on this machine; `show` is given the address to open.

    The listener is on a free port of the loopback address, takes one answer with our own state, and is closed then.
    """
    proof, state = Proof(), secrets.token_urlsafe(24)
    answer: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(reader, writer, answer, state)

    async with await asyncio.start_server(handle, "127.0.0.1", 0, limit=_MOST_BYTES) as listener:
        back = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/callback"
        query = {"client_id": CLIENT, "redirect_uri": back, "response_type": "code", "state": state}
        query |= {"code_challenge": proof.challenge, "code_challenge_method": "S256"}
        show(f"{server.url}/oauth/authorize?{urlencode(query)}")
        try:
            async with asyncio.timeout(WAIT_S):
                found = await answer
        except TimeoutError:
            raise SkipassError("sign_in_failed", "Nobody signed in within five minutes.", "Start again.") from None
    if found.get("iss") != server.issuer:
        raise SkipassError("sign_in_failed", "The answer is of another gateway.", "Start again.")
    if "code" not in found:
        raise SkipassError("sign_in_failed", f"The sign-in was refused: {found.get('error', 'no code')[:100]}.")
    form = {"grant_type": "authorization_code", "client_id": CLIENT, "code": found["code"], "redirect_uri": back}
    return _token(await server.ask("/oauth/token", form | {"code_verifier": proof.verifier.reveal()}))


async def by_device(server: Server, show: Callable[[str, str], None]) -> Mapping[str, Any]:
    """Return the token of whoever types the code; `show` is given the address and the code."""
    asked = await server.ask("/oauth/device_authorization", {"client_id": CLIENT})
    if "device_code" not in asked:
        raise _refused(asked)
    show(f"{server.url}{urlsplit(str(asked['verification_uri'])).path}", str(asked["user_code"]))
    form = {"grant_type": _DEVICE, "client_id": CLIENT, "device_code": str(asked["device_code"])}
    pause = float(asked["interval"])
    while True:
        await asyncio.sleep(pause)
        given = await server.ask("/oauth/token", form)
        if given.get("error") == "slow_down":
            pause += _SLOWER_S
        elif given.get("error") != "authorization_pending":
            return _token(given)


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: asyncio.Future[Mapping[str, str]],
    state: str,
) -> None:
    """Take the one request that carries our state; any other page's request is answered and changes nothing."""
    try:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        line = ""
    method, _, rest = line.partition(" ")
    parts = urlsplit(rest.partition(" ")[0])
    found = {name: values[0] for name, values in parse_qs(parts.query).items() if len(values) == 1}
    ours = (method, parts.path) == ("GET", "/callback") and secrets.compare_digest(
        found.get("state", "").encode(), state.encode()
    )
    said = b"That is decided." if ours else b"That is not of this sign-in."
    body = _PAGE % said
    head = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    writer.write(head % (b"200 OK" if ours else b"400 Bad Request", len(body)) + body)
    await writer.drain()
    writer.close()
    if ours and not answer.done():
        answer.set_result(found)


def _token(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given.get("access_token"), str):
        raise _refused(given)
    return given


def _refused(given: Mapping[str, Any]) -> SkipassError:
    why = str(given.get("error_description") or given.get("error") or "it gave no token")
    return SkipassError("sign_in_failed", f"The gateway refused: {why[:200]}", "Start again: skipass login")


async def _exchange(method: str, url: str, form: Mapping[str, str] | None) -> Mapping[str, Any]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=30.0, connect=10.0)
    headers = {"Accept": "application/json", "User-Agent": f"skipass-cli/{__version__}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            told = orjson.loads(await answer.read())
    except (aiohttp.ClientError, OSError, TimeoutError):
        hint = "Is it running (skipass serve)? SKIPASS_URL says where it is looked for."
        raise SkipassError("gateway_unreachable", "The gateway does not answer.", hint, retryable=True) from None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        hint = "SKIPASS_URL must be the address of a skipass gateway."
        raise SkipassError("gateway_unreachable", "The answer is not a gateway's.", hint)
    return told


def token_of(given: Mapping[str, Any]) -> Secret[str]:
    """Return the text of a token that was given."""
    return Secret(str(given["access_token"]))
