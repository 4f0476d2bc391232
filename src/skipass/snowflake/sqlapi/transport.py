"""One HTTP exchange with an account: no redirects, no proxies, a bounded body, and whether anything left.

The only module here that imports aiohttp, which is why it is itself imported at the first connection. Knows nothing of
what the bytes mean.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL

from skipass.snowflake.auth.tokens import Token
from skipass.snowflake.errors import ProtocolError, SnowflakeConfigError, SnowflakeUnavailable
from skipass.snowflake.sqlapi.failures import Answer
from skipass.snowflake.sqlapi.wire import Call

BeforeSend = Callable[[], Awaitable[None]]
_CONNECT_S = 15.0
_GZIP_MAGIC = b"\x1f\x8b"
_INLINE_BYTES = 256 * 1024


class _Departure(Payload):
    """A body that asks before the first byte leaves, and remembers whether one did.

    aiohttp holds the request's head back until the first write of the body, so that an objection raised here means that
    nothing was written at all.
    """

    def __init__(self, body: bytes, content_type: str, before_send: BeforeSend | None) -> None:
        super().__init__(body, content_type=content_type)
        self._before_send = before_send
        self.objection: BaseException | None = None
        self.left = False

    @property
    def size(self) -> int:
        return len(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        if self._before_send is not None:
            try:
                await self._before_send()
            except BaseException as objection:
                self.objection = objection
                raise
        self.left = True
        await writer.write(self._value)


@dataclass(frozen=True, slots=True)
class Arriving:
    """An answer whose body still comes, in pieces as it came off the wire; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


class Transport:
    """Sends calls to one base address over a session of its own, or over one that the caller owns and closes."""

    def __init__(
        self,
        base_url: str,
        *,
        user_agent: str,
        max_body_bytes: int,
        session: aiohttp.ClientSession | None = None,
        connector_factory: Callable[[], aiohttp.BaseConnector] | None = None,
    ) -> None:
        if session is not None and session.trust_env:
            raise SnowflakeConfigError(
                "The HTTP session follows proxy variables.", hint="Create it with trust_env=False."
            )
        self._base_url = base_url
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._max_body_bytes = max_body_bytes
        self._connector_factory = connector_factory
        self._session = session
        self._owns_session = session is None

    async def send(
        self,
        call: Call,
        token: Token | None,
        *,
        timeout_s: float,
        before_send: BeforeSend | None = None,
        packed: bool = False,
    ) -> Answer:
        """Return the answer; with `packed` its body as it came, which may be gzip.

        Raises `SnowflakeUnavailable` saying whether anything was sent, or whatever `before_send` raised.
        """
        body = None if call.body is None else _Departure(call.body, call.content_type, before_send)
        try:
            answer = await self._exchange(call, token, body, timeout_s)
            return answer if packed and answer.status == 200 else await self._unpacked(answer)
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            # Raised outside this block: an aiohttp error can hold the request's headers, which must not travel along.
            failure = _unavailable(problem, body)
        if body is not None and body.objection is not None:
            raise body.objection
        raise failure

    async def _exchange(self, call: Call, token: Token | None, body: _Departure | None, timeout_s: float) -> Answer:
        headers = {**self._headers, **call.headers, **(_credential(token) if token else {})}
        timeout = aiohttp.ClientTimeout(total=max(timeout_s, 0.001), connect=_CONNECT_S)
        url = URL(self._base_url + call.path, encoded=True).with_query(dict(call.query))
        async with self._open().request(
            call.method,
            url,
            data=body,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            auto_decompress=False,
        ) as response:
            raw = await self._read(response, call.last)
            status, found = response.status, {name.lower(): value for name, value in response.headers.items()}
        return Answer(status, raw, found)

    @asynccontextmanager
    async def arriving(self, call: Call, token: Token, *, timeout_s: float) -> AsyncIterator[Arriving]:
        """Yield an answer while its body comes; what was not read of it by the end closes the connection.

        `timeout_s` bounds each wait for more, not the whole: whoever reads slowly is waited for. Raises, and its pieces
        raise, `SnowflakeUnavailable`; a body that stops short never just ends.
        """
        response = await self._answered(call, token, timeout_s)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield Arriving(response.status, headers, self._pieces(response))
        finally:
            response.close()

    async def _answered(self, call: Call, token: Token, timeout_s: float) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_read=timeout_s)
        url = URL(self._base_url + call.path, encoded=True).with_query(dict(call.query))
        headers = {**self._headers, **call.headers, **_credential(token)}
        try:
            return await self._open().request(
                call.method, url, headers=headers, timeout=timeout, allow_redirects=False, auto_decompress=False
            )
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            failure = _unavailable(problem, None)
        raise failure

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > self._max_body_bytes:
                    raise _too_large(self._max_body_bytes)
                yield piece
            return
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            failure = _unavailable(problem, None)
        raise failure

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = self._connector_factory() if self._connector_factory else aiohttp.TCPConnector()
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse, last: bytes) -> bytes:
        chunks = bytearray()
        async for chunk in response.content.iter_any():
            chunks += chunk
            if last and last in chunks[-len(chunk) - len(last) :]:
                # The stream may stay open behind its last line.
                response.close()
                break
            if len(chunks) > self._max_body_bytes:
                response.close()
                raise _too_large(self._max_body_bytes)
        return bytes(chunks)

    async def _unpacked(self, answer: Answer) -> Answer:
        if len(answer.body) < _INLINE_BYTES:
            return replace(answer, body=unpack(answer.body, self._max_body_bytes))
        return replace(answer, body=await asyncio.to_thread(unpack, answer.body, self._max_body_bytes))

    async def aclose(self) -> None:
        """Close the session, if it is our own."""
        if self._owns_session and self._session is not None:
            await self._session.close()
            self._session = None


def _credential(token: Token) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token.value.reveal()}",
        "X-Snowflake-Authorization-Token-Type": token.type.value,
    }


def unpack(raw: bytes, max_bytes: int) -> bytes:
    """Return the content of bytes that may be gzip: the vendor's partitions are, with or without a header saying so."""
    return gunzip(raw, max_bytes) if raw.startswith(_GZIP_MAGIC) else raw


def gunzip(raw: bytes, max_bytes: int) -> bytes:
    """Return the whole content of gzip bytes, all members.

    Cut or broken bytes are `SnowflakeUnavailable`, more than `max_bytes` a `ProtocolError`. Source: RFC 1952
    """
    content = b""
    rest = raw
    while rest.startswith(_GZIP_MAGIC):
        stream = zlib.decompressobj(wbits=31)
        try:
            member = stream.decompress(rest, max_bytes + 1 - len(content))
        except zlib.error:
            raise SnowflakeUnavailable("The answer's compression is broken.", sent=True) from None
        if len(content) + len(member) > max_bytes:
            raise _too_large(max_bytes)
        if not stream.eof:
            raise SnowflakeUnavailable("The answer was cut off.", sent=True)
        # There is one member as a rule, and then nothing is copied.
        content = content + member if content else member
        rest = stream.unused_data
    return content


def _too_large(max_bytes: int) -> ProtocolError:
    return ProtocolError(f"The answer is larger than {max_bytes} bytes.", hint="Select less, or allow larger answers.")


def _unavailable(problem: Exception, body: _Departure | None) -> SnowflakeUnavailable:
    never_left = isinstance(problem, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL)
    sent = not never_left and (body is None or body.left)
    if isinstance(problem, asyncio.TimeoutError):
        return SnowflakeUnavailable("Snowflake did not answer in time.", sent=sent)
    if isinstance(problem, aiohttp.ClientConnectorError):
        reason = f"No connection to {problem.host}: {problem.strerror or type(problem.os_error).__name__}."
        return SnowflakeUnavailable(
            reason, sent=False, hint="Check the account name, the network and the certificate store."
        )
    return SnowflakeUnavailable(f"The exchange broke off ({type(problem).__name__}).", sent=sent)
