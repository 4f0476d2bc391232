"""The way from the bridge to a slug: one POST a message, whole answers and streams alike.

The credential leaves for the slug's own address, never along a redirect nor through a proxy of the environment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from skipass import __version__
from skipass.cli.stdio.events import Events
from skipass.errors import SkipassError
from skipass.secret import Secret

MOST_BYTES = 32 << 20
_CONNECT_S, _SILENCE_S = 10.0, 120.0


@dataclass(frozen=True, slots=True)
class Came:
    """An answer as it comes in."""

    answer: aiohttp.ClientResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.answer.status

    async def texts(self) -> AsyncIterator[bytes]:
        """Yield the body, or the data of each event; raises `gateway_unreachable` where it breaks off."""
        try:
            if self.answer.content_type == "text/event-stream":
                events = Events()
                async for piece in self.answer.content.iter_any():
                    for text in events.feed(piece):
                        yield text
            else:
                body = await self._whole()
                if body.strip():
                    yield body
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise _unreachable(str(self.answer.url.origin())) from None

    async def _whole(self) -> bytes:
        body = bytearray()
        async for piece in self.answer.content.iter_any():
            body += piece
            if len(body) > MOST_BYTES:
                raise SkipassError("gateway_unreachable", f"The answer is longer than {MOST_BYTES} bytes.")
        return bytes(body)


class Way:
    """Posts to one address with one credential."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, bearer: Secret[str], identifier: str | None = None
    ) -> None:
        self._session, self._url, self._bearer = session, url, bearer
        self._whom = {"Skipass-Identifier": identifier} if identifier else {}
        self._transport: str | None = None

    @asynccontextmanager
    async def __call__(self, body: bytes, headers: Mapping[str, str]) -> AsyncIterator[Came]:
        """Send one message and give its answer; leaving early closes its stream."""
        sent = {"Authorization": f"Bearer {self._bearer.reveal()}", **self._whom, **headers}
        if self._transport is not None:
            sent["Mcp-Session-Id"] = self._transport
        try:
            answer = await self._session.post(self._url, data=body, headers=sent, allow_redirects=False)
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise _unreachable(self._url) from None
        try:
            self._transport = answer.headers.get("Mcp-Session-Id", self._transport)
            yield Came(answer)
        except BaseException:
            # Not back into the pool: a stream that nobody reads on is closed, and that withdraws a stateless request.
            answer.close()
            raise
        finally:
            answer.release()


def session() -> aiohttp.ClientSession:
    """Return a session that keeps no cookies, and waits for as long as an answer is kept alive."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
        headers={
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "User-Agent": f"skipass-cli/{__version__}",
        },
    )


def _unreachable(url: str) -> SkipassError:
    hint = "Is it running (skipass serve)? SKIPASS_URL says where it is looked for."
    return SkipassError("gateway_unreachable", f"No answer from {url}.", hint, retryable=True)
