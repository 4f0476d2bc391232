"""The same answers, read by the `snowflake-sql-api` package and by this client: equal values."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import snowflake_sql_api as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from snowflake_sql_api.bindings import to_bindings
from snowflake_sql_api.types import ColumnMeta, coerce_rows

from skipass.snowflake import Column, SnowflakeClient, SnowflakeError, bindings, generate_key_pair
from skipass.snowflake.sqlapi.values import decode_rows
from snowflake.server import Reply, Seen, serving

HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
SHAPES: list[dict[str, Any]] = [
    {"name": "N", "type": "fixed", "precision": 38, "scale": 0, "nullable": True},
    {"name": "P", "type": "fixed", "precision": 38, "scale": 5, "nullable": True},
    {"name": "F", "type": "real", "nullable": True},
    {"name": "S", "type": "text", "nullable": True},
    {"name": "B", "type": "boolean", "nullable": True},
    {"name": "X", "type": "binary", "nullable": True},
    {"name": "D", "type": "date", "nullable": True},
    {"name": "T", "type": "time", "nullable": True},
    {"name": "NTZ", "type": "timestamp_ntz", "scale": 9, "nullable": True},
    {"name": "LTZ", "type": "timestamp_ltz", "scale": 9, "nullable": True},
    {"name": "TZ", "type": "timestamp_tz", "scale": 9, "nullable": True},
    {"name": "V", "type": "variant", "nullable": True},
]


def row(i: int) -> list[str | None]:
    """One row of every type, NULL here and there."""
    values: list[str | None] = [
        str(10**37 + i), f"-{i}.12345", repr(i / 3), f"äöü \" \\ \n {i}", "true" if i % 2 else "false", f"{i:04X}",
        str(i - 5000), f"{i}.000001000", f"{i}.123456000", f"{1_600_000_000 + i}.000000000",
        f"{1_600_000_000 + i}.500000000 {1440 + 30 * (i % 5)}", json.dumps({"i": i, "t": ["x", None]}, indent=2),
    ]  # fmt: skip
    values[i % len(values)] = None if i % 3 == 0 else values[i % len(values)]
    return values


PARTS = [[row(i) for i in range(start, start + 100)] for start in (0, 100, 200)]


def respond(seen: Seen) -> Reply:
    """Play an account with one finished statement."""
    if "async" in seen.query:
        return Reply(202, body=json.dumps({"code": "333334", "statementHandle": HANDLE}).encode())
    if "partition" in seen.query:
        body = json.dumps({"data": PARTS[int(seen.query["partition"])]}).encode()
        return Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(body))
    infos = [{"rowCount": 100, "uncompressedSize": 1000}] * len(PARTS)
    metadata = {"numRows": 300, "rowType": SHAPES, "partitionInfo": infos}
    body = json.dumps({"code": "090001", "statementHandle": HANDLE, "resultSetMetaData": metadata, "data": PARTS[0]})
    return Reply(200, body=body.encode())


@contextmanager
def account() -> Iterator[int]:
    """Serve the account; gives its port."""
    started, stop, found = threading.Event(), asyncio.Event(), []

    async def run() -> None:
        async with serving(respond) as server:
            found[:] = [server.port, asyncio.get_running_loop()]
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    started.wait()
    try:
        yield found[0]
    finally:
        found[1].call_soon_threadsafe(stop.set)
        thread.join()


class Plain(httpx.HTTPTransport):
    """Speaks http where the package insists on https."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the same place in the clear."""
        request.url = request.url.copy_with(scheme="http")
        return super().handle_request(request)


def test_equal_results_of_the_same_statement() -> None:
    """Both clients read the same account over real HTTP, and every row of every type is equal."""
    pem = generate_key_pair().private_pem.reveal()
    with account() as port:
        http = httpx.Client(transport=Plain())
        theirs = peer.SnowflakeClient("a-b", "u", private_key=pem, host=f"127.0.0.1:{port}", http_client=http)
        with http, SnowflakeClient(host=f"http://127.0.0.1:{port}", token="FAKE") as client:
            expected = theirs.query("select *")
            streamed = list(theirs.query_stream("select *"))
            result = client.query("select *")
            rows = list(client.submit("select *").iter_rows())
    assert result.dicts() == expected == streamed
    assert [dict(zip(expected[0], values, strict=True)) for values in rows] == expected


CELL = {
    "fixed": st.integers(-(10**30), 10**30).map(str),
    "real": st.floats(allow_nan=False).map(repr),
    "text": st.text(),
    "boolean": st.sampled_from(["true", "false", "1", "0"]),
    "binary": st.binary().map(lambda raw: raw.hex().upper()),
    "date": st.integers(-700_000, 2_900_000).map(str),
    "time": st.integers(0, 86_399).map(lambda s: f"{s}.000000000"),
    "timestamp_ntz": st.integers(0, 10**10).map(lambda s: f"{s}.250000000"),
    "timestamp_ltz": st.integers(-(10**9), 10**10).map(lambda s: f"{s}.000000000"),
    "timestamp_tz": st.tuples(st.integers(10**6, 10**10), st.integers(720, 2160)).map(
        lambda p: f"{p[0]}.125000000 {p[1]}"
    ),
}


@settings(max_examples=60)
@given(st.sampled_from(sorted(CELL)).flatmap(lambda kind: st.tuples(st.just(kind), st.lists(st.none() | CELL[kind]))))
def test_equal_cells(given_: tuple[str, list[str | None]]) -> None:
    """Any cells of a type that the package reads are read to the same values."""
    kind, cells = given_
    ours = decode_rows([Column("C", kind, scale=0)], [[cell] for cell in cells], {})
    theirs = coerce_rows([[cell] for cell in cells], [ColumnMeta("C", kind, scale=0)])
    assert [value for (value,) in ours] == [record["C"] for record in theirs]


@given(st.lists(st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(), min_size=1))
def test_equal_binds(values: list[Any]) -> None:
    """Values that both clients bind alike go out alike."""
    try:
        ours = bindings(values)
    except SnowflakeError:
        return
    assert ours == to_bindings(values)
