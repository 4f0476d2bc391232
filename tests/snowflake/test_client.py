"""The client that programs use, against an account that plays one statement: wait, fetch, cancel, retry."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from skipass.snowflake import (
    AsyncSnowflakeClient,
    CancelOutcome,
    IncompleteResultError,
    Pace,
    SnowflakeClient,
    SnowflakeConfigError,
    SnowflakeUnavailable,
    StatementCancelled,
    StatementTimedOut,
    Throttled,
    Token,
)
from snowflake.server import Reply, Seen, Server, serving

pytestmark = pytest.mark.anyio

HANDLE = "01b2c3d4-0000-0000-0000-000100020003"
COLUMNS = [
    {"name": "ID", "type": "fixed", "scale": 0},
    {"name": "PRICE", "type": "FIXED", "scale": 2},
    {"name": "DAY", "type": "date"},
    {"name": "ID", "type": "text"},
]
PARTS = [
    [["1", "1.50", "0", "a"], ["2", None, "1", ""]],
    [["3", "0.00", None, None]],
    [["4", "-2.25", "-1", "d"]],
]
ROWS = [
    (1, Decimal("1.50"), date(1970, 1, 1), "a"),
    (2, None, date(1970, 1, 2), ""),
    (3, Decimal("0.00"), None, None),
    (4, Decimal("-2.25"), date(1969, 12, 31), "d"),
]
BUSY = Reply(429, {"Retry-After": "3"}, b'{"code": "390505", "message": "Too many requests."}')
DOWN = Reply(503, body=b"<html>unavailable</html>")


def answer(status: int, **members: Any) -> Reply:
    """A JSON answer."""
    return Reply(status, body=json.dumps({"statementHandle": HANDLE, **members}).encode())


@dataclass
class Account:
    """Plays one statement: `polls` are answered before it is finished, `faults` stand before the answers of a path."""

    polls: list[Reply] = field(default_factory=list)
    faults: dict[str, list[Reply]] = field(default_factory=dict)
    parts: list[list[list[str | None]]] = field(default_factory=lambda: PARTS)
    counts: list[int] = field(default_factory=lambda: [2, 1, 1])
    total: int | None = None
    runs: bool = False
    cancelled: bool = False
    changed: Callable[[], None] = lambda: None

    def respond(self, seen: Seen) -> Reply:
        """Answer one request."""
        kind = self.kind_of(seen)
        if self.faults.get(kind):
            return self.faults[kind].pop(0)
        if kind == "cancel":
            self.cancelled = True
            self.changed()
            return answer(200, code="000604", sqlState="57014", message="SQL execution canceled")
        if kind == "submit":
            return answer(202, code="333334", message="running")
        if kind == "partition":
            body = gzip.compress(json.dumps({"data": self.parts[int(seen.query["partition"])]}).encode())
            return Reply(200, {"Content-Encoding": "gzip"}, body)
        return self.polled()

    def polled(self) -> Reply:
        """Answer a poll."""
        if self.cancelled:
            return answer(422, code="000604", sqlState="57014", message="SQL execution canceled")
        if self.polls or self.runs:
            return self.polls.pop(0) if self.polls else answer(202, code="333334", message="running")
        metadata = {
            "numRows": sum(self.counts) if self.total is None else self.total,
            "rowType": COLUMNS,
            "partitionInfo": [{"rowCount": count, "uncompressedSize": 10} for count in self.counts],
        }
        return answer(200, code="090001", data=self.parts[0], resultSetMetaData=metadata)

    @staticmethod
    def kind_of(seen: Seen) -> str:
        """Name the request."""
        if seen.method == "POST":
            return "cancel" if seen.path.endswith("/cancel") else "submit"
        return "partition" if "partition" in seen.query else "poll"


def host(server: Server) -> str:
    """The server's address, as a user would write it."""
    return f"http://127.0.0.1:{server.port}"


@dataclass
class Pauses:
    """Notes the pauses instead of waiting them."""

    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Give way once."""
        self.taken.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(account: Account, **options: Any) -> AsyncIterator[tuple[Server, AsyncSnowflakeClient, Pauses]]:
    """A client of an account that plays one statement."""
    pauses = Pauses()
    async with serving(account.respond) as server:
        client = AsyncSnowflakeClient(host=host(server), token="FAKE-1", pace=Pace(sleep=pauses.sleep), **options)
        async with client:
            yield server, client, pauses


def kinds(server: Server) -> list[str]:
    """What was asked, in order."""
    return [Account.kind_of(seen) for seen in server.seen]


async def test_query_returns_all_rows_typed_in_order() -> None:
    """A query waits, fetches every partition and gives typed rows in order, columns and handle beside them."""
    account = Account(polls=[answer(202, code="333334", message="running")])
    async with connected(account) as (server, client, _):
        result = await client.query("select * from T")
    assert kinds(server)[:3] == ["submit", "poll", "poll"]
    assert sorted(seen.query.get("partition", "") for seen in server.seen[3:]) == ["1", "2"]
    assert result.rows() == ROWS
    assert result.statement_handle == HANDLE
    assert [column.name for column in result.columns] == ["ID", "PRICE", "DAY", "ID"]
    assert (result.num_rows, result.complete, result.rows_changed) == (4, True, None)


async def test_dicts_lose_no_column() -> None:
    """A repeated column name is numbered in dictionaries, so that both values are there."""
    async with connected(Account()) as (_, client, _):
        first = (await client.query("select 1")).dicts()[0]
    assert first == {"ID": 1, "PRICE": Decimal("1.50"), "DAY": date(1970, 1, 1), "ID_2": "a"}


async def test_request_carries_what_was_asked() -> None:
    """Identifiers go out as stored names, binds typed, tag and parameters beside them, defaults for the rest."""
    async with connected(Account(), warehouse="wh", role='"Lower"', database="db") as (server, client, _):
        options: dict[str, Any] = {"database": "Other", "schema": "s", "timeout_s": 1.5, "query_tag": "job-1"}
        await client.query("select ?", [5], **options, parameters={"timezone": "UTC"})
    body = json.loads(server.seen[0].body)
    assert body == {
        "statement": "select ?",
        "bindings": {"1": {"type": "FIXED", "value": "5"}},
        "warehouse": "WH",
        "role": "Lower",
        "database": "OTHER",
        "schema": "S",
        "timeout": 2,
        "parameters": {"timezone": "UTC", "query_tag": "job-1"},
    }
    assert server.seen[0].query["async"] == "true"


@pytest.mark.parametrize(
    ("account", "announced"),
    [
        (Account(counts=[2, 2, 1]), 2),
        (Account(total=9), 9),
        (Account(parts=[PARTS[0], [], PARTS[2]]), 1),
        (Account(parts=[PARTS[0], PARTS[1] * 2, PARTS[2]]), 1),
    ],
)
async def test_a_missing_row_fails_the_query(account: Account, announced: int) -> None:
    """Fewer or more rows than announced are an error, never a shorter result."""
    async with connected(account) as (_, client, _):
        with pytest.raises(IncompleteResultError, match=f"{announced} were announced"):
            await client.query("select 1")


async def test_capped_result_is_not_called_complete() -> None:
    """A result as long as the request's own cap says that it may not be complete."""
    async with connected(Account()) as (_, client, _):
        assert not (await client.query("select 1", parameters={"ROWS_PER_RESULTSET": 4})).complete
        assert (await client.query("select 1", parameters={"ROWS_PER_RESULTSET": 5})).complete


async def test_passing_failures_of_questions_are_asked_again() -> None:
    """Throttled polls, cut partitions and server errors are asked again, after the pause that Snowflake asked for."""
    cut = Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"data": []}')[:-8])
    account = Account(polls=[BUSY, DOWN], faults={"partition": [cut, DOWN]})
    async with connected(account) as (server, client, pauses):
        assert (await client.query("select 1")).rows() == ROWS
    assert kinds(server).count("submit") == 1
    assert pauses.taken[0] >= 3


async def test_submit_is_repeated_only_under_its_own_id() -> None:
    """A submit whose fate is unknown is repeated under its id with `retry=true`, a throttled one without it."""
    account = Account(faults={"submit": [BUSY, DOWN, Reply(502)]})
    async with connected(account) as (server, client, _):
        await client.query("insert into T values (1)")
    submits = [seen for seen in server.seen if Account.kind_of(seen) == "submit"]
    assert len({seen.query["requestId"] for seen in submits}) == 1
    assert len({seen.body for seen in submits}) == 1
    assert [seen.query.get("retry") for seen in submits] == [None, None, "true", "true"]


@pytest.mark.parametrize(("fault", "kind"), [(BUSY, Throttled), (DOWN, SnowflakeUnavailable)])
async def test_repetitions_end(fault: Reply, kind: type[Exception]) -> None:
    """A failure that does not pass comes out after five attempts."""
    async with connected(Account(faults={"submit": [fault] * 9})) as (server, client, _):
        with pytest.raises(kind):
            await client.query("select 1")
    assert len(server.seen) == 5


async def test_a_pause_beyond_patience_is_not_waited_for() -> None:
    """When Snowflake asks for a longer pause than a minute, its refusal comes out at once."""
    busy = Reply(429, {"Retry-After": "61"}, b'{"code": "390505"}')
    async with connected(Account(faults={"submit": [busy]})) as (server, client, pauses):
        with pytest.raises(Throttled):
            await client.query("select 1")
    assert (len(server.seen), pauses.taken) == (1, [])


async def test_time_limit_cancels_the_statement() -> None:
    """When the time limit passes, the statement is cancelled in Snowflake and the query times out."""
    account = Account(runs=True)
    async with connected(account) as (server, client, _):
        with pytest.raises(StatementTimedOut, match=r"0\.2 seconds") as raised:
            await client.query("select 1", timeout_s=0.2)
    assert account.cancelled
    assert kinds(server)[-1] == "cancel"
    assert raised.value.statement_handle == HANDLE


async def test_cancelled_task_cancels_the_statement() -> None:
    """Cancelling the waiting task cancels the statement in Snowflake before the cancellation goes on."""
    account = Account(runs=True)
    async with connected(account) as (server, client, pauses):
        task = asyncio.create_task(client.query("select 1"))
        while not pauses.taken:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert account.cancelled
    assert kinds(server)[-1] == "cancel"


async def test_a_submit_that_nobody_waits_for_is_cancelled() -> None:
    """Cancelling the task while the submit is under way cancels the statement as soon as its handle is known."""
    arrived, answering = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        arrived.set()
        await answering.wait()

    body = json.dumps({"statementHandle": HANDLE, "code": "333334"}).encode()
    account = Account(runs=True, faults={"submit": [Reply(202, body=body, hold=hold)]})
    async with connected(account) as (server, client, _):
        task = asyncio.create_task(client.query("insert into t select 1"))
        await arrived.wait()
        task.cancel()
        await asyncio.sleep(0)
        answering.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert account.cancelled
    assert kinds(server) == ["submit", "cancel"]


async def test_a_submit_that_has_not_left_is_not_sent() -> None:
    """Cancelling the task while the token is still to come sends nothing."""

    class Slow:
        asked = asyncio.Event()

        async def token(self) -> Token:
            self.asked.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def rejected(self, token: Token) -> bool:
            return False

    tokens = Slow()
    async with serving(Account().respond) as server, AsyncSnowflakeClient(host=host(server), tokens=tokens) as client:
        task = asyncio.create_task(client.query("select 1"))
        await tokens.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert server.connections == 0


async def test_statement_by_hand() -> None:
    """A statement is submitted, polled and cancelled by hand; afterwards it is reported as cancelled."""
    account = Account(runs=True)
    async with connected(account) as (_, client, _):
        statement = await client.submit("select 1")
        assert statement.statement_handle == HANDLE
        assert not await statement.poll()
        assert await statement.cancel() is CancelOutcome.CANCELLED
        with pytest.raises(StatementCancelled):
            await statement.result()


async def test_statement_by_its_handle() -> None:
    """The result of a statement submitted elsewhere is had by its handle alone."""
    async with connected(Account()) as (server, client, _):
        assert (await client.statement(HANDLE).result()).rows() == ROWS
    assert "submit" not in kinds(server)


async def test_bad_options_send_nothing() -> None:
    """A bind, a name or a parameter that cannot work is refused before anything is sent."""
    async with connected(Account()) as (server, client, _):
        attempts: list[dict[str, Any]] = [
            {"binds": [[1, 2]]},
            {"role": "no role"},
            {"parameters": {"autocommit": True}},
            {"query_tag": "x" * 2001},
        ]
        for options in attempts:
            with pytest.raises(SnowflakeConfigError):
                await client.query("select 1", **options)
    assert server.seen == []


def test_pauses_grow_to_the_limit_and_keep_what_was_asked() -> None:
    """Pauses double with jitter up to the limit; a pause that was asked for is never shortened."""
    pace = Pace(first_s=0.05, limit_s=2.0)
    for round_number, full in ((0, 0.05), (3, 0.4), (10, 2.0), (10_000, 2.0)):
        assert full / 2 <= pace.pause_s(round_number) <= full
    assert pace.pause_s(0, 7.0) == 7.0


@contextmanager
def served(account: Account) -> Iterator[str]:
    """Run the account's server in a thread of its own and give its address."""
    loop, started, address = asyncio.new_event_loop(), threading.Event(), []

    async def main() -> None:
        async with serving(account.respond) as server:
            address.append(host(server))
            started.set()
            await asyncio.Event().wait()

    async def until_cancelled() -> None:
        try:
            await main()
        except asyncio.CancelledError:
            return

    holder: list[asyncio.Task[None]] = []

    def work() -> None:
        holder.append(loop.create_task(until_cancelled()))
        loop.run_until_complete(holder[0])
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(holder[0].cancel)
        thread.join()


def test_blocking_client() -> None:
    """The blocking client gives the same rows, works from several calls, and can be used again after closing."""
    with served(Account()) as url:
        client = SnowflakeClient(host=url, token="FAKE-1")
        with client:
            assert client.query("select 1").rows() == ROWS
            statement = client.submit("select 1")
            assert statement.poll()
            assert statement.result().rows() == ROWS
            assert client.statement(statement.statement_handle).result().dicts()[0]["ID"] == 1
        assert client.query("select 1").rows() == ROWS
        client.close()
        client.close()


def test_blocking_time_limit_cancels() -> None:
    """The blocking client's time limit cancels the statement in Snowflake too."""
    account = Account(runs=True)
    with served(account) as url, SnowflakeClient(host=url, token="FAKE-1") as client:
        with pytest.raises(StatementTimedOut):
            client.query("select 1", timeout_s=0.1)
        assert client.submit("select 1").cancel() is CancelOutcome.CANCELLED
    assert account.cancelled


def test_interrupt_cancels_the_statement() -> None:
    """Ctrl-C while a blocking query waits cancels the statement in Snowflake before the program goes on."""
    account = Account(runs=True)
    program = (
        "import sys, signal, threading, os\n"
        "from skipass.snowflake import SnowflakeClient\n"
        "client = SnowflakeClient(host=sys.argv[1], token='FAKE-1')\n"
        "statement = client.submit('select 1')\n"
        "assert not statement.poll()\n"
        "threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    statement.result()\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
        "client.close()\n"
    )
    with served(account) as url:
        done = subprocess.run(
            [sys.executable, "-c", program, url], capture_output=True, text=True, timeout=300, check=False
        )
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
    assert account.cancelled


def test_import_is_light() -> None:
    """Importing the client loads no HTTP client, no server library, no cryptography."""
    program = "import sys, skipass.snowflake\nprint([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = [
        "aiohttp",
        "pydantic",
        "starlette",
        "sqlglot",
        "sqlalchemy",
        "cryptography",
        "joserfc",
        "duckdb",
        "pyarrow",
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, *heavy], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
