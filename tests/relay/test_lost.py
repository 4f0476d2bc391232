"""What breaks off: a call that may have run is unknown, ends once, and is never sent a second time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from relay.bench import SEARCH, SQL, Bench
from skipass.gateway.reconcile import Reconciler
from skipass.gateway.system import System
from skipass.nouns.envelope import Envelope
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
COUNT = {"sql": "SELECT COUNT(*) FROM OPS_DB.OPS.ORDERS"}
PATH = "/api/v2/databases/OPS_DB/schemas/OPS/mcp-servers/OPS_MCP"


def reconciler(bench: Bench) -> Reconciler:
    gateway = bench.at.gateway
    return Reconciler(gateway.deps, gateway.runner, System(gateway.deps, gateway.runner))


async def held_up(bench: Bench, tool: str, arguments: dict[str, Any]) -> asyncio.Task[Envelope]:
    """Start a call whose answer does not come, and return it once Snowflake has run it."""
    await bench.names()
    bench.at.sandbox.control.faults({"kind": "hang_after", "path": PATH, "method": "POST"})
    task = asyncio.create_task(bench.call(tool, arguments))
    while not [one for one in bench.called(tool) if one["status"] is not None]:
        await asyncio.sleep(0.05)
        assert not task.done(), task.result()
    return task


async def the(bench: Bench, tool: str) -> Statement:
    (found,) = await bench.statements(tool)
    return found


async def test_a_cut_answer_is_unknown_and_found_by_its_mark(bench: Bench) -> None:
    """A call whose answer is cut off is unknown, is not sent again, and a SQL tool's is found in the history."""
    await bench.opened()
    await bench.names()
    bench.at.sandbox.control.faults({"kind": "cut_after", "path": PATH, "method": "POST", "count": 1})
    answer = await bench.call(SQL, COUNT)
    assert answer.status.value == "unknown"
    assert (await the(bench, SQL)).cancel_unconfirmed
    while (await the(bench, SQL)).state.value == "unknown":
        await reconciler(bench).look_up()
    found = await the(bench, SQL)
    assert (found.state.value, len(bench.called(SQL))) == ("succeeded", 1)
    assert found.handle is not None
    gone = await bench.call("snowflake_get_query_status", {"statement_handle": found.id})
    assert gone.fields["code"] == "result_expired"


async def test_a_lost_call_of_another_tool_stays_unknown(bench: Bench) -> None:
    """What leaves no trace of its own stays unknown for good: it is neither guessed nor sent again."""
    await bench.opened()
    await bench.names()
    bench.at.sandbox.control.faults({"kind": "cut_after", "path": PATH, "method": "POST", "count": 1})
    assert (await bench.call(SEARCH, {"query": "order"})).status.value == "unknown"
    for _ in range(3):
        await reconciler(bench).look_up()
    lost = await the(bench, SEARCH)
    assert (lost.state.value, lost.lookup_at, len(bench.called(SEARCH))) == ("unknown", None, 1)


async def test_the_end_of_a_session_leaves_what_runs_unconfirmed(bench: Bench) -> None:
    """A running call cannot be cancelled: its session closes at once, the call is unconfirmed, its rows never come."""
    session = await bench.opened()
    task = await held_up(bench, SQL, COUNT)
    await bench.call("skipass_close_session", {"session_id": session})
    (closed,) = await bench.at.every(AccessSession, id=session)
    assert closed.state.value == "closed"
    running = await the(bench, SQL)
    assert (running.state.value, running.cancel_unconfirmed) == ("unknown", True)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bench.called(SQL)) == 1


async def test_an_answer_that_comes_after_the_session_is_recorded_and_withheld(bench: Bench) -> None:
    """An answer later than the end of its session is its one outcome on record; the caller gets none of it."""
    session = await bench.opened()
    await bench.names()
    bench.at.sandbox.control.faults({"kind": "late", "path": PATH, "method": "POST", "delay_ms": 5000, "count": 1})
    task = asyncio.create_task(bench.call(SQL, COUNT))
    while not await bench.statements(SQL):
        await asyncio.sleep(0.02)
    await bench.call("skipass_close_session", {"session_id": session})
    answer = await task
    assert answer.status.value in ("expired", "unknown"), answer
    assert answer.content is None
    if answer.status.value == "expired":
        assert (await the(bench, SQL)).state.value == "succeeded"


async def test_a_call_that_waits_for_its_turn_does_not_leave_after_the_end(bench: Bench) -> None:
    """A call that was admitted and whose session ended before the first byte is not sent, and is told so."""
    session = await bench.opened()
    await bench.names()
    epoch = bench.at.gateway.runner.epoch
    asked, waiting = asyncio.Event(), asyncio.Event()
    check = epoch.still_admitted

    async def later(statement: Statement, under: int) -> None:
        if statement.server_id:
            asked.set()
            await waiting.wait()
            await epoch.poll()
        await check(statement, under)

    epoch.still_admitted = later  # type: ignore[method-assign]
    task = asyncio.create_task(bench.call(SQL, COUNT))
    await asked.wait()
    await bench.call("skipass_close_session", {"session_id": session})
    waiting.set()
    await task
    assert bench.called(SQL) == []
    assert (await the(bench, SQL)).state.value == "not_found"


async def test_a_dead_process_leaves_a_call_unknown(bench: Bench) -> None:
    """A call whose process died between intent and answer is adopted as unknown, and nothing sends it again."""
    session = await bench.opened()
    task = await held_up(bench, SEARCH, {"query": "order"})
    statement = await the(bench, SEARCH)
    assert statement.state.value == "admitted"
    await bench.at.gateway.runner.stop()
    assert (await task).status.value == "running"

    while (await the(bench, SEARCH)).state.value == "admitted":
        await reconciler(bench).adopt()
    for _ in range(2):
        await reconciler(bench).look_up()
    adopted = await the(bench, SEARCH)
    assert (adopted.state.value, adopted.cancel_unconfirmed) == ("unknown", True)
    assert len(bench.called(SEARCH)) == 1
    await bench.call("skipass_close_session", {"session_id": session})
    kinds = [json.loads(one.body).get("to") for one in await bench.at.recorded("statement.unknown")]
    assert kinds == ["unknown"]
