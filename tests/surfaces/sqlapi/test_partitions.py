"""Partitions through the gateway: passed on as they come, paid for, never held whole, and never cut without a sign."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import Stage
from skipass.gateway.streaming import StreamCutError
from skipass.nouns.session import AccessSession, EndReason
from skipass.snowflake import AsyncSnowflakeClient
from skipass.snowflake.account import target_of
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.sqlapi.coding import coded, takes_gzip, unpacked
from surfaces.sqlapi.conftest import ROOT, Wire

pytestmark = pytest.mark.anyio
AUTOMATIC = "/c/snowflake/api/v2/statements"
ROWS = 20
LONG = f"SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"


@pytest.fixture
async def long(wire: Wire) -> dict[str, Any]:
    """Return the first answer of a result of seven partitions."""
    wire.at.sandbox.control.switches(partition_rows=3)
    answer, told = await wire.submit(LONG, path=AUTOMATIC)
    assert answer.status == 200, told
    assert len(told["resultSetMetaData"]["partitionInfo"]) == 7
    return told


async def test_later_partitions_are_gzip_and_linked(wire: Wire, long: dict[str, Any]) -> None:
    """Each later partition is gzip with its rows alone, and names the ones around it."""
    seen = [row[0] for row in long["data"]]
    for index in range(1, 7):
        url = f"{wire.url}{ROOT}/{long['statementHandle']}?partition={index}"
        async with wire.http.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
            assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
            assert 'rel="first"' in answer.headers["Link"]
            assert ('rel="next"' in answer.headers["Link"]) == (index < 6)
            told = await answer.json()
        assert set(told) == {"data"}
        seen += [row[0] for row in told["data"]]
    assert [int(number) for number in seen] == list(range(ROWS))


async def test_a_client_without_gzip_gets_plain_rows(wire: Wire, long: dict[str, Any]) -> None:
    """A client that takes no gzip gets the same rows unpacked."""
    url = f"{wire.url}{ROOT}/{long['statementHandle']}?partition=1"
    async with wire.http.get(url, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert json.loads(await answer.read()) == {"data": [["3"], ["4"], ["5"]]}


async def test_our_own_client_reads_a_long_result(wire: Wire) -> None:
    """The project's own client reads every row, with the gateway's address and a connection as its path."""
    wire.at.sandbox.control.switches(partition_rows=3)
    key = wire.at.keys["agent"]["api_key"]
    async with AsyncSnowflakeClient(host=f"{wire.url}/c/snowflake", token=key) as client:
        assert (await client.query(LONG)).rows() == [(number,) for number in range(ROWS)]


async def test_a_partition_too_high_is_refused(wire: Wire, long: dict[str, Any]) -> None:
    """A partition that does not exist is refused, and says how many there are."""
    answer, told = await wire.send("GET", f"{ROOT}/{long['statementHandle']}?partition=7")
    assert (answer.status, answer.headers["Skipass-Error"]) == (400, "invalid_request")
    assert "0 to 6" in told["message"]


async def test_a_closed_session_gives_no_partition(wire: Wire, long: dict[str, Any]) -> None:
    """Once the session has ended its partitions are refused, and Snowflake is not asked for them."""
    await end_sessions(wire.at)
    before = len(wire.at.sandbox.control.calls())
    answer, told = await wire.send("GET", f"{ROOT}/{long['statementHandle']}?partition=1")
    assert (answer.status, answer.headers["Skipass-Error"]) == (422, "expired"), told
    assert len(wire.at.sandbox.control.calls()) == before


async def test_a_partition_is_paid_for_before_it_leaves(wire: Wire) -> None:
    """A partition that the budget does not cover gives not one row, and Snowflake is not asked for it."""
    wire.at.sandbox.control.switches(partition_rows=3)
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test", "budgets": {"rows": 4}}
    await wire.at.call("skipass_request_session", wish)
    answer, told = await wire.submit(LONG, path="/c/jit/api/v2/statements")
    assert answer.status == 200, told
    before = len(wire.at.sandbox.control.calls())
    answer, told = await wire.send("GET", f"{ROOT}/{told['statementHandle']}?partition=1")
    assert (answer.status, answer.headers["Skipass-Error"]) == (422, "budget_exceeded"), told
    assert "data" not in told
    assert len(wire.at.sandbox.control.calls()) == before


async def end_sessions(at: Stage) -> None:
    for session in await at.every(AccessSession, state="open"):
        await at.gateway.ending.end(session, EndReason.REVOKED, "test")


class Big:
    """Stands where Snowflake does for one partition: sends random bytes until told to stop, and counts them."""

    def __init__(self, pieces: int) -> None:
        self.pieces, self.sent, self.cut, self.go = pieces, 0, False, asyncio.Event()
        self.go.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            packed = zlib.compressobj(wbits=31)
            for _ in range(self.pieces):
                await self.go.wait()
                body = packed.compress(os.urandom(PIECE))
                writer.write(b"%x\r\n%b\r\n" % (len(body), body) if body else b"")
                await writer.drain()
                self.sent += PIECE
            if not self.cut:
                body = packed.flush()
                writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()


PIECE = 64 * 1024


@asynccontextmanager
async def instead(at: Stage, big: Big) -> AsyncIterator[None]:
    """Let the partitions of the sandbox's account come from elsewhere."""
    server = await asyncio.start_server(big.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = at.gateway.deps.upstream
    for host, api in upstream._apis.items():
        await api.aclose()
        upstream._apis[host] = SqlApi(target_of(None, f"http://127.0.0.1:{port}"))
    try:
        yield
    finally:
        server.close()


async def test_a_stream_is_passed_on_as_it_is_read(wire: Wire, long: dict[str, Any]) -> None:
    """While a client does not read, the gateway does not either: of 64 MB it takes in a few, the rest when asked."""
    big = Big(1024)
    async with instead(wire.at, big):
        url = f"{wire.url}{ROOT}/{long['statementHandle']}?partition=1"
        async with wire.http.get(url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
            assert answer.status == 200
            seen = -1
            while seen != big.sent:
                seen = big.sent
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert big.sent < 32 * 1024 * 1024
            size = sum([len(piece) async for piece in answer.content.iter_any()])
    assert size > big.sent == 1024 * PIECE


async def test_a_stream_that_snowflake_cuts_does_not_end_cleanly(wire: Wire, long: dict[str, Any]) -> None:
    """Where Snowflake's answer breaks off the client sees a broken answer, never a short one."""
    big = Big(64)
    big.cut = True
    async with instead(wire.at, big):
        await broken(wire, long["statementHandle"])


async def test_a_stream_ends_with_its_session_and_not_cleanly(wire: Wire, long: dict[str, Any]) -> None:
    """A partition under way when its session is revoked breaks off."""
    begun = asyncio.Event()
    async with instead(wire.at, Big(1 << 20)):
        reading = asyncio.create_task(broken(wire, long["statementHandle"], begun))
        await begun.wait()
        await end_sessions(wire.at)
        await reading


async def broken(wire: Wire, handle: str, begun: asyncio.Event | None = None) -> None:
    """Read a partition that breaks off; `begun` is set once its first bytes are here."""
    url = f"{wire.url}{ROOT}/{handle}?partition=1"
    async with wire.http.get(url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
        if begun is None and answer.status == 503:
            return  # the break reached the gateway before it had begun to answer
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await read_on(answer, begun)


async def read_on(answer: aiohttp.ClientResponse, begun: asyncio.Event | None) -> None:
    async for _ in answer.content.iter_any():
        if begun is not None:
            begun.set()


async def of(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def divided(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=3), st.integers(1, 300))
def test_unpacking_gives_the_content_however_it_is_divided(members: list[bytes], size: int) -> None:
    """Whatever pieces gzip comes in, and however many members, unpacked it is the content."""

    async def read() -> bytes:
        packed = b"".join(gzip.compress(member) for member in members)
        return b"".join([piece async for piece in unpacked(of(divided(packed, size)))])

    assert asyncio.run(read()) == b"".join(members)


async def test_unpacking_holds_little_of_what_is_huge() -> None:
    """A small piece that unpacks to much comes out in bounded pieces."""
    packed = gzip.compress(bytes(50_000_000))
    sizes = [len(piece) async for piece in unpacked(of([packed]))]
    assert (max(sizes) <= PIECE, sum(sizes)) == (True, 50_000_000)


@pytest.mark.parametrize("end", [-1, -8, -20])
async def test_unpacking_what_is_cut_raises(end: int) -> None:
    """Gzip that stops short, or is none, is a cut stream."""
    packed = gzip.compress(os.urandom(5000))
    with pytest.raises(StreamCutError):
        [piece async for piece in unpacked(of([packed[:end]]))]
    with pytest.raises(StreamCutError):
        [piece async for piece in unpacked(of([packed + b"more"]))]


async def test_what_is_not_packed_is_left_as_it_is() -> None:
    """A partition that comes plain goes on plain."""
    headers, pieces = await coded(of([b'{"data":', b"[]}"]), gzip=True)
    assert (headers, [piece async for piece in pieces]) == ({}, [b'{"data":', b"[]}"])


@pytest.mark.parametrize(
    ("offered", "takes"),
    [(None, True), ("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("identity", False), ("gzip;q=0", False),
     ("*;q=0", False), ("gzip;q=x", False), ("br, *;q=0.1", True)],
)  # fmt: skip
def test_what_a_client_takes(offered: str | None, takes: bool) -> None:
    """A client takes gzip unless it says that it does not."""
    assert takes_gzip(Headers([] if offered is None else [(b"accept-encoding", offered.encode())])) is takes
