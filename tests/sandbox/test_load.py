"""Large results and many callers at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.client import Client
from skipass.sandbox.cells import Formats
from skipass.sandbox.execution import Execution
from skipass.sandbox.pipeline import single
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.sandbox.world import build_account

ROWS = 1_000_000
MILLION = f"select seq4() as n, 'row number ' || seq4() as label from table(generator(rowcount => {ROWS}))"


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


def test_a_million_rows_come_in_partitions(served: RunningSandbox) -> None:
    """A million rows are served in several partitions whose counts and rows add up."""
    client = Client.of(served, "SKIPASS_SVC")
    handle = client.submit(MILLION)
    reply = client.finished(handle)
    infos = reply.body["resultSetMetaData"]["partitionInfo"]
    assert sum(info["rowCount"] for info in infos) == reply.body["resultSetMetaData"]["numRows"] == ROWS
    assert len(infos) >= 3
    last = client.call("GET", f"/api/v2/statements/{handle}?partition={len(infos) - 1}").body["data"]
    assert len(last) == infos[-1]["rowCount"]
    assert last[-1][1] == f"row number {last[-1][0]}"


@pytest.mark.slow
def test_a_large_result_never_stands_in_memory_as_rows() -> None:
    """Making a result of a million rows takes a fraction of the memory that its rows would take as objects."""
    account = build_account(scale=0)
    run = account.engine.open()
    session = account.session_of(account.catalog.users["SKIPASS_SVC"], "AGENT_ROLE")
    tracemalloc.start()
    try:
        output = single(Execution(account, session, run, "h", Formats()), MILLION)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        run.close()
        account.engine.close()
    assert output.total_rows == ROWS
    assert peak < 40_000_000


def test_eight_readers_at_once(served: RunningSandbox) -> None:
    """Eight callers at once each get the answer that one alone gets."""
    client = Client.of(served, "SKIPASS_SVC")
    text = "select region, count(*), sum(total), avg(total) from orders group by region order by region"
    alone = client.sql(text).rows
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.sql(text).rows, range(80)))
    assert answers == [alone] * 80
