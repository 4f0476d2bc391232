"""Long results: in order, whole or not at all, a few partitions at a time, in every form and on both clients."""

from __future__ import annotations

import asyncio
import gc
import gzip
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipass.snowflake import (
    Ahead,
    AsyncSnowflakeClient,
    AsyncStatement,
    CancelOutcome,
    IncompleteResultError,
    Pace,
    SnowflakeClient,
    SnowflakeError,
    SnowflakeUnavailable,
    Statement,
    StatementError,
    collector,
)
from skipass.snowflake.prefetch import in_order
from skipass.snowflake.progress import shown
from skipass.snowflake.sqlapi.answers import read_statement, without_data
from skipass.snowflake.sqlapi.failures import Answer
from skipass.snowflake.sqlapi.wire import poll_call
from snowflake.server import Reply, Seen, Server, serving

pytestmark = pytest.mark.anyio

HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
WIDTH = 3
COLUMNS = [
    {"name": "ID", "type": "fixed", "precision": 38, "scale": 0},
    {"name": "AT", "type": "timestamp_ntz", "scale": 9},
    {"name": "ID", "type": "text"},
]
ROWS = [(i, i) for i in range(1000)]


def cells(number: int) -> list[str | None]:
    """One row."""
    return [str(number), f"{number}.500000000", None if number % 5 == 0 else f"t{number}"]


class Result:
    """Serves one result of `count` rows in partitions of `size`; `faults` stand before a partition's own answer."""

    def __init__(self, count: int = 1000, size: int = 90) -> None:
        self.parts = [[cells(i) for i in range(start, min(start + size, count))] for start in range(0, count, size)]
        self.count = count
        self.faults: dict[int, list[Reply]] = {}
        self.asked: list[int] = []

    def respond(self, seen: Seen) -> Reply:
        """Answer one request."""
        if seen.path.endswith("/cancel"):
            return Reply(422, body=json.dumps({"code": "000605", "statementHandle": HANDLE}).encode())
        if seen.method == "POST":
            if "async" not in seen.query:
                return Reply(200, body=self.first())
            return Reply(202, body=json.dumps({"code": "333334", "statementHandle": HANDLE}).encode())
        if "partition" not in seen.query:
            return Reply(200, body=self.first())
        index = int(seen.query["partition"])
        self.asked.append(index)
        if self.faults.get(index):
            return self.faults[index].pop(0)
        return Reply(200, {"Content-Encoding": "gzip"}, self.packed(index))

    def packed(self, index: int) -> bytes:
        """A partition as it travels."""
        return gzip.compress(json.dumps({"data": self.parts[index]}).encode())

    def first(self) -> bytes:
        """The result with its first partition."""
        infos = [{"rowCount": len(part), "uncompressedSize": 1000} for part in self.parts]
        metadata = {"numRows": self.count, "rowType": COLUMNS, "partitionInfo": infos}
        body = {"code": "090001", "statementHandle": HANDLE, "resultSetMetaData": metadata, "data": self.parts[0]}
        return json.dumps(body, separators=(",", ":")).encode()


async def no_pause(_: float) -> None:
    """Wait for nothing."""


def client_of(server: Server) -> AsyncSnowflakeClient:
    """A client of this server."""
    return AsyncSnowflakeClient(host=f"http://127.0.0.1:{server.port}", token="FAKE")


@asynccontextmanager
async def connected(result: Result, **options: Any) -> AsyncIterator[tuple[Server, AsyncSnowflakeClient]]:
    """A client of a server with this result."""
    async with serving(result.respond) as server:
        options = {"pace": Pace(attempts=3, sleep=no_pause), **options}
        async with AsyncSnowflakeClient(host=f"http://127.0.0.1:{server.port}", token="FAKE", **options) as client:
            yield server, client


@contextmanager
def blocking(result: Result) -> Iterator[SnowflakeClient]:
    """A blocking client of a server with this result, in a loop of its own thread."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def run() -> None:
        async with serving(result.respond) as server:
            found[:] = [server.port, asyncio.get_running_loop()]
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    started.wait()
    try:
        with SnowflakeClient(host=f"http://127.0.0.1:{found[0]}", token="FAKE") as client:
            yield client
    finally:
        found[1].call_soon_threadsafe(stop.set)
        thread.join()


async def test_every_form_has_every_row() -> None:
    """Typed rows, batches, a table and frames all carry all rows in order, from any number of partitions."""
    async with connected(Result()) as (_, client):
        statement = await client.submit("select")
        rows = [row async for row in statement.iter_rows()]
        batches = [batch async for batch in statement.iter_batches()]
        table = await statement.fetch_arrow()
        result = await statement.result()
        pandas, polars = await statement.to_pandas(), await statement.to_polars()
    assert [row[0] for row in rows] == list(range(1000))
    assert [batch.num_rows for batch in batches] == [90] * 11 + [10]
    assert table.column(0).to_pylist() == list(range(1000))
    assert result.rows() == rows
    assert result.fetch_arrow() == table
    assert list(result.iter_batches()) == batches
    assert len(result.to_pandas()) == len(pandas) == 1000
    assert result.to_polars().equals(polars)
    assert polars["ID_2"].to_list()[:2] == [None, "t1"]


def test_blocking_client_streams() -> None:
    """The blocking client has the same forms, and one left early can be asked for more."""
    with blocking(Result()) as client:
        statement = client.submit("select")
        rows = statement.iter_rows()
        assert next(rows)[0] == 0
        rows.close()
        assert [row[0] for row in client.submit("select").iter_rows()] == list(range(1000))
        assert sum(batch.num_rows for batch in statement.iter_batches()) == 1000
        assert statement.fetch_arrow().num_rows == 1000
        assert statement.to_pandas().shape == statement.to_polars().shape == (1000, 3)
        assert client.query("select").num_rows == 1000


async def test_result_within_the_first_answer() -> None:
    """With `wait_first` the statement is submitted without `async`, and its result comes with the first answer."""
    async with connected(Result(5)) as (server, client):
        result = await client.query("select", wait_first=True)
    assert result.num_rows == 5
    assert len(server.seen) == 1
    assert "async" not in server.seen[0].query


async def test_fetching_ahead_is_bounded() -> None:
    """No more partitions are asked for than allowed while nobody reads, and none after the reader has left."""
    result = Result()
    async with connected(result, ahead=Ahead(most=3, limit_bytes=10**6)) as (_, client):
        statement = await client.submit("select")
        stream = statement.iter_batches()
        await anext(stream)
        await stream.aclose()
    assert set(result.asked) <= {1, 2, 3}


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 6), st.integers(1, 60))
def test_prefetch_keeps_order_and_bounds(sizes: list[int], most: int, limit: int) -> None:
    """Whatever the sizes: all come, in order, never more at once than allowed or than fit, except for a single one."""
    held: set[int] = set()

    async def fetch(index: int) -> int:
        held.add(index)
        assert len(held) == 1 or (len(held) <= most and sum(sizes[i] for i in held) <= limit)
        await asyncio.sleep(0)
        return index

    async def run() -> list[int]:
        found = []
        async for index in in_order(sizes, fetch, Ahead(most, limit)):
            found.append(index)
            held.discard(index)
        return found

    assert asyncio.run(run()) == list(range(len(sizes)))


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result.parts[4].pop(),
        lambda result: result.parts[4].append(cells(0)),
        lambda result: result.parts[11].clear(),
    ],
)
@pytest.mark.parametrize("form", ["iter_rows", "iter_batches"])
async def test_a_missing_row_ends_the_stream(change: Callable[[Result], object], form: str) -> None:
    """A partition that is shorter or longer than announced is an error, and none of its rows are handed on."""
    result = Result()
    announced = result.first()
    change(result)
    result.first = lambda: announced  # type: ignore[method-assign]
    handed = 0
    async with connected(result) as (_, client):
        statement = await client.submit("select")
        failure = None
        try:
            async for item in getattr(statement, form)():
                handed += 1 if form == "iter_rows" else item.num_rows
        except IncompleteResultError as error:
            failure = error
    assert handed % 90 == 0
    assert handed < 1000
    assert failure is not None
    assert failure.statement_handle == HANDLE


async def pause() -> None:
    """Let everything else go first."""
    for _ in range(50):
        await asyncio.sleep(0)


def faults(packed: bytes) -> dict[str, Reply]:
    """What may happen to a partition on its way."""
    plain = gzip.decompress(packed)
    return {
        "cut": Reply(200, body=packed, cut_after=120),
        "delayed": Reply(200, body=packed, hold=pause),
        "length too small": Reply(200, raw=b"HTTP/1.1 200 X\r\ncontent-length: 90\r\n\r\n" + packed),
        "half closed": Reply(200, raw=b"HTTP/1.1 200 X\r\ncontent-length: 9999\r\n\r\n" + packed, cut_after=10**6),
        "cut within": Reply(200, body=packed[: len(packed) // 2]),
        "unavailable": Reply(503, body=b"<html>no</html>"),
        "busy": Reply(429, body=b'{"code": "390505", "message": "Too many requests."}'),
        "plain": Reply(200, body=plain),
        "array": Reply(200, body=json.dumps(json.loads(plain)["data"]).encode()),
        "members": Reply(200, body=gzip.compress(plain[:100]) + gzip.compress(plain[100:])),
    }


@pytest.mark.parametrize("name", sorted(faults(gzip.compress(b'{"data": []}'))))
@pytest.mark.parametrize("form", ["iter_rows", "iter_batches"])
async def test_no_fault_loses_a_row(name: str, form: str) -> None:
    """A partition that is cut, delayed, refused or framed differently is asked for again or read as it is."""
    result = Result()
    result.faults = {3: [faults(result.packed(3))[name]]}
    async with connected(result) as (_, client):
        statement = await client.submit("select")
        found = [item async for item in getattr(statement, form)()]
    assert (len(found) if form == "iter_rows" else sum(batch.num_rows for batch in found)) == 1000


async def test_a_fault_that_stays_is_the_error() -> None:
    """When every try is cut, the stream ends with that failure."""
    result = Result()
    result.faults = {2: [Reply(200, body=result.packed(2)[:40])] * 3}
    async with connected(result) as (_, client):
        with pytest.raises(SnowflakeUnavailable, match="cut off"):
            await (await client.submit("select")).fetch_arrow()


async def test_several_statements_have_their_results() -> None:
    """A text of several statements gives the result of each, in order; a failing one fails them all."""
    parts = [f"01b2c3d4-0000-0000-0000-00010002000{i}" for i in (4, 5)]

    def respond(seen: Seen) -> Reply:
        if seen.method == "POST":
            return Reply(202, body=json.dumps({"code": "333334", "statementHandle": HANDLE}).encode())
        handle = seen.path.rpartition("/")[2]
        body: dict[str, Any] = {"code": "090001", "statementHandle": handle}
        shape = {"rowType": [{"name": "R", "type": "text"}], "numRows": 1, "partitionInfo": [{"rowCount": 1}]}
        text = handle[-1]
        if handle == HANDLE:
            text, body["statementHandles"] = "Multiple statements executed successfully.", parts
        return Reply(200, body=json.dumps(body | {"resultSetMetaData": shape, "data": [[text]]}).encode())

    async with serving(respond) as server, client_of(server) as client:
        results = await client.query_all("select 4; select 5")
        single = await (await client.submit("select 4", statement_count=1)).result()
    assert [result.rows() for result in results] == [[("4",)], [("5",)]]
    assert json.loads(server.seen[0].body)["parameters"] == {"multi_statement_count": "0"}
    assert single.statement_handles == tuple(parts)


async def test_failure_of_several_statements() -> None:
    """A part that fails is a statement error that says what has taken effect."""
    failed = {"code": "100132", "sqlState": "P0000", "message": "JavaScript execution error", "statementHandle": HANDLE}
    answer = Reply(422, body=json.dumps(failed).encode())
    async with serving(lambda _: answer) as server, client_of(server) as client:
        with pytest.raises(StatementError) as caught:
            await client.query_all("insert …; select 1/0")
    assert "took effect" in caught.value.hint


class Terminal(io.StringIO):
    """A stream that is a terminal, or none."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        """Say so."""
        return self.is_terminal


@pytest.mark.parametrize(("wanted", "is_terminal"), [(True, True), (True, False), (False, True)])
def test_progress_shows_on_a_terminal_only(wanted: bool, is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar counts the rows when it is wanted and there is a terminal; otherwise nothing is written."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal(is_terminal)
    with shown(wanted, 1000, stream) as advance:
        advance(250)
        advance(750)
    assert ("1000/1000" in stream.getvalue()) is (wanted and is_terminal)


PROGRESS: dict[str, Callable[[AsyncSnowflakeClient, AsyncStatement], Any]] = {
    "query": lambda client, _: client.query("select", progress=True),
    "result": lambda _, statement: statement.result(progress=True),
    "fetch_arrow": lambda _, statement: statement.fetch_arrow(progress=True),
    "to_pandas": lambda _, statement: statement.to_pandas(progress=True),
    "to_polars": lambda _, statement: statement.to_polars(progress=True),
    "iter_rows": lambda _, statement: all_of(statement.iter_rows(progress=True)),
    "iter_batches": lambda _, statement: all_of(statement.iter_batches(progress=True)),
}


async def all_of(items: AsyncIterator[Any]) -> list[Any]:
    """Every item."""
    return [item async for item in items]


@pytest.mark.parametrize("form", PROGRESS)
async def test_progress_of_a_fetch(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`progress=True` counts every row on the terminal, in whatever form they are fetched."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal(True)
    monkeypatch.setattr("sys.stderr", stream)
    async with connected(Result()) as (_, client):
        await PROGRESS[form](client, await client.submit("select"))
    assert "1000/1000" in stream.getvalue()


def public(kind: type) -> set[str]:
    """The names that a program may use."""
    return {name for name in dir(kind) if not name.startswith("_")}


def test_blocking_client_has_every_method() -> None:
    """The blocking faces have each method of the asynchronous ones, and each of them answers."""
    assert public(SnowflakeClient) == public(AsyncSnowflakeClient) - {"aclose"} | {"close"}
    assert public(Statement) == public(AsyncStatement) - {"iter_row_lists"}
    with blocking(Result()) as client:
        statement = client.submit("select")
        assert statement.statement_handle == HANDLE
        assert statement.poll()
        assert statement.result().num_rows == 1000
        assert [len(result.rows()) for result in statement.results()] == [1000]
        assert len(list(statement.iter_rows())) == 1000
        assert sum(batch.num_rows for batch in statement.iter_batches()) == 1000
        assert statement.fetch_arrow().num_rows == 1000
        assert statement.to_pandas().shape == statement.to_polars().shape == (1000, 3)
        assert statement.cancel() is CancelOutcome.NOTHING_TO_CANCEL
        assert client.statement(HANDLE).result().num_rows == 1000
        assert client.query("select").num_rows == 1000
        assert [len(result.rows()) for result in client.query_all("select")] == [1000]


def test_collector_is_paused_only_when_wanted() -> None:
    """The collector rests inside the outermost block that wants it, and is afterwards as it was before."""
    assert gc.isenabled()
    with collector.paused(False):
        assert gc.isenabled()
    with collector.paused(True), collector.paused(True):
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector.paused(True):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


TEXT = st.text(max_size=8) | st.sampled_from(['"data":[[', "]]", '"],["', "null", '\\"data\\":[', "{}"])


@given(st.lists(st.lists(st.none() | TEXT, min_size=1, max_size=1)), st.permutations(["data", "message", "meta", "x"]))
def test_rows_are_taken_out_of_an_answer_exactly(rows: list[list[str | None]], order: list[str]) -> None:
    """Whatever the rows hold and whatever stands around them, a lean result has the same rows and metadata."""
    meta = {"rowType": [{"name": "]]", "type": "text"}], "numRows": len(rows), "partitionInfo": []}
    members = {"data": rows, "message": 'a "data":[[1]] ]]', "x": [[1]], "meta": meta}
    body = {("resultSetMetaData" if name == "meta" else name): members[name] for name in order}
    for separators in ((",", ":"), (", ", ": ")):
        answer = Answer(200, json.dumps(body | {"code": "090001"}, separators=separators).encode())
        lean, whole = (read_statement(poll_call(HANDLE), answer, lean=is_lean) for is_lean in (True, False))
        data = json.loads(lean.data)  # type: ignore[union-attr]
        assert (data["data"] if isinstance(data, dict) else data) == whole.rows == rows  # type: ignore[union-attr]
        assert lean.columns == whole.columns  # type: ignore[union-attr]


@given(st.binary(max_size=200))
def test_taking_out_never_invents(noise: bytes) -> None:
    """Bytes that are no result are left whole, or what is left of them is JSON with nothing for rows."""
    head, data = without_data(b'{"data":[' + noise)
    assert (head, data) == (b'{"data":[' + noise, b"") or json.loads(head)["data"] == []


async def test_statement_of_another_form_of_failure() -> None:
    """A stream of a statement that fails raises that failure before any row."""
    async with serving(lambda _: Reply(500)) as server:
        client = AsyncSnowflakeClient(host=f"http://127.0.0.1:{server.port}", token="FAKE", pace=Pace(attempts=1))
        async with client:
            with pytest.raises(SnowflakeError):
                await anext(client.statement(HANDLE).iter_batches())
