"""Long results through a proxy that spoils connections: every row comes, or an error does, and never fewer rows."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.snowflake import AsyncSnowflakeClient, Pace, SnowflakeError
from snowflake.server import Reply, Seen, serving

HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
PARTS = [[[str(number), f"t{number}"] for number in range(start, start + 40)] for start in range(0, 240, 40)]
ROWS = [(number, f"t{number}") for number in range(240)]
LENGTH = re.compile(rb"content-length: (\d+)")


def respond(seen: Seen) -> Reply:
    """Play an account with one finished statement of several partitions."""
    if "async" in seen.query:
        return Reply(202, body=json.dumps({"code": "333334", "statementHandle": HANDLE}).encode())
    if "partition" in seen.query:
        body = json.dumps({"data": PARTS[int(seen.query["partition"])]}).encode()
        return Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(body))
    shapes = [{"name": "N", "type": "fixed", "scale": 0}, {"name": "T", "type": "text"}]
    infos = [{"rowCount": len(part), "uncompressedSize": 1000} for part in PARTS]
    metadata = {"numRows": len(ROWS), "rowType": shapes, "partitionInfo": infos}
    body = {"code": "090001", "statementHandle": HANDLE, "resultSetMetaData": metadata, "data": PARTS[0]}
    return Reply(200, body=json.dumps(body).encode())


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a connection: after so many bytes of answers it ends in one way, or lengths are misstated."""

    kind: str
    after: int


FAULTS = st.builds(
    Fault, st.sampled_from(["none", "cut", "reset", "half close", "delay", "wrong length"]), st.integers(0, 3000)
)


class Proxy:
    """Passes connections on to a port; each in turn has the next fault, and those after the last have none."""

    def __init__(self, port: int, faults: list[Fault]) -> None:
        self._port = port
        self._faults = list(faults)
        self.tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        fault = self._faults.pop(0) if self._faults else Fault("none", 0)
        upstream, onward = await asyncio.open_connection("127.0.0.1", self._port)
        up = asyncio.create_task(self._questions(reader, onward))
        try:
            await self._answers(upstream, writer, fault)
        except ConnectionError:
            pass
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            writer.close()
            onward.close()

    async def _questions(self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            onward.write(data)
        onward.close()

    async def _answers(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        passed = 0
        while data := await upstream.read(65_536):
            if fault.kind == "wrong length":
                # The connection ends with this answer, as one does whose length was misstated by a broken proxy.
                writer.write(
                    LENGTH.sub(lambda found: b"content-length: %d" % (int(found[1]) + fault.after - 1500), data)
                )
                return
            if fault.kind == "delay":
                await self._dribble(data, writer, fault.after % 97 + 1)
            elif fault.kind != "none" and passed + len(data) > fault.after:
                writer.write(data[: fault.after - passed])
                await self._end(writer, fault)
                return
            else:
                writer.write(data)
            passed += len(data)

    async def _dribble(self, data: bytes, writer: asyncio.StreamWriter, size: int) -> None:
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await asyncio.sleep(0)

    async def _end(self, writer: asyncio.StreamWriter, fault: Fault) -> None:
        if fault.kind == "reset":
            writer.transport.abort()
        elif fault.kind == "half close":
            writer.write_eof()
            await writer.drain()


@asynccontextmanager
async def spoiled(faults: list[Fault]) -> AsyncIterator[AsyncSnowflakeClient]:
    """A client whose connections go through the proxy."""
    async with serving(respond) as server:
        proxy = Proxy(server.port, faults)
        listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        pace = Pace(attempts=4, sleep=lambda _: asyncio.sleep(0))
        try:
            async with AsyncSnowflakeClient(host=f"http://127.0.0.1:{port}", token="FAKE", pace=pace) as client:
                yield client
        finally:
            listener.close()
            for task in proxy.tasks:
                task.cancel()
            await asyncio.gather(*proxy.tasks, return_exceptions=True)


async def rows_through(faults: list[Fault], form: str) -> list[Any]:
    """The rows that a program sees in one of the forms."""
    async with spoiled(faults) as client:
        statement = await client.submit("select")
        if form == "rows":
            return [row async for row in statement.iter_rows()]
        if form == "arrow":
            return [tuple(row.values()) for row in (await statement.fetch_arrow()).to_pylist()]
        return (await statement.result()).rows()


@settings(max_examples=60)
@given(st.lists(FAULTS, max_size=8), st.sampled_from(["rows", "arrow", "result"]))
def test_no_fault_loses_a_row_silently(faults: list[Fault], form: str) -> None:
    """However connections are cut, reset, half closed, delayed or misframed: all rows in order, or a typed error."""
    try:
        found = asyncio.run(rows_through(faults, form))
    except SnowflakeError:
        assert faults
        return
    assert found == ROWS


def test_a_few_faults_are_survived() -> None:
    """A connection cut, one reset and one half closed cost no row and no error."""
    faults = [Fault("none", 0), Fault("cut", 300), Fault("reset", 100), Fault("half close", 200)]
    for form in ("rows", "arrow", "result"):
        assert asyncio.run(rows_through(faults, form)) == ROWS
