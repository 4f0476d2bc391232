"""Snowflake late, silent, broken or gone: bounded answers, an honest record, and never a second run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateways import Stage
from skipass.gateway import reconcile
from skipass.nouns.connection import Connection
from skipass.nouns.envelope import Status
from skipass.nouns.statement import Statement, StatementState

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'fault' WHERE order_id = 1003"


async def until(at: Stage, statement_id: str, *states: StatementState) -> Statement:
    """Return the statement once it is in one of these states."""
    while True:
        (stored,) = await at.every(Statement, id=statement_id)
        if stored.state in states:
            return stored


async def test_an_account_that_is_gone_fails_the_call_and_nothing_else(at: Stage) -> None:
    """When nothing listens the statement is `not_sent`, and the next one on a living account works."""
    await at.session()
    (jit,) = await at.every(Connection, name="jit")

    async def point(host: str, current: Connection) -> Connection:
        async def change(unit):
            return await unit.change(current, host=host)

        return await at.gateway.deps.journal.write(change)

    gone = await point("http://127.0.0.1:9", jit)
    envelope = await at.query(PENDING)
    assert (envelope.status, envelope.fields["code"]) == (Status.FAILED, "not_sent")
    await point(jit.host, gone)
    assert (await at.query(PENDING)).status is Status.SUCCESS


async def test_a_write_whose_answer_was_lost_is_found_by_its_tag(at: Stage) -> None:
    """A write that ran and whose answer was cut off is never sent again, and ends as the query history says."""
    await at.session()
    held = await at.query(UPDATE)
    at.sandbox.control.faults({"kind": "cut_after", "method": "POST"})
    await at.decide(held)
    ended = await until(at, held.fields["statementHandle"], StatementState.SUCCEEDED)
    assert ended.handle
    assert len(at.sent("UPDATE")) == 1


@pytest.mark.parametrize("kind", ["cut_before", "wrong_json", "error_html", "error_json"])
async def test_a_statement_that_left_no_trace_is_presumed_not_sent(
    at: Stage, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Absent from the history at each lookup, a lost statement ends as `not_found` and is not run by itself."""
    monkeypatch.setattr(reconcile, "LOOKUPS", (timedelta(0), timedelta(0), timedelta(0)))
    await at.session()
    at.sandbox.control.faults({"kind": kind, "method": "POST"})
    envelope = await at.query(PENDING)
    assert envelope.status is Status.UNKNOWN
    await until(at, envelope.execution_id, StatementState.NOT_FOUND)
    asked = await at.settled(envelope.execution_id)
    assert (asked.status, asked.fields["code"]) == (Status.FAILED, "not_sent")
    assert at.sent("orders") == []


async def test_polling_survives_what_passes(at: Stage) -> None:
    """Throttling, server errors and cut answers between submit and result change nothing about the result."""
    await at.session()
    at.sandbox.control.faults(
        {"kind": "throttle", "method": "GET"},
        {"kind": "error_html", "method": "GET"},
        {"kind": "cut_after", "method": "GET"},
    )
    assert (await at.query(PENDING)).status is Status.SUCCESS
    assert len(at.sent("orders")) == 1


async def test_a_rejected_credential_says_so(at: Stage) -> None:
    """A key that Snowflake does not know fails the call with Snowflake's own code."""
    await at.session()
    at.sandbox.control.faults({"kind": "token_expired", "count": 5})
    envelope = await at.query(PENDING)
    assert envelope.status is Status.FAILED
    assert str(envelope.fields["snowflake_code"]).startswith("390")


async def test_no_warehouse_anywhere_is_refused_with_the_usable_ones(at: Stage) -> None:
    """Without a warehouse anywhere nothing of the agent is sent, and the usable ones are named."""
    (jit,) = await at.every(Connection, name="jit")

    async def change(unit):
        return await unit.change(jit, warehouse=None)

    await at.gateway.deps.journal.write(change)
    await at.session()
    envelope = await at.query(PENDING)
    assert envelope.fields["code"] == "warehouse_required"
    assert "AGENT_WH" in envelope.fields["warehouses"]
    assert at.sent("orders") == []


async def test_a_statement_whose_task_was_lost_is_taken_up_again(at: Stage) -> None:
    """A statement that nothing in the process drives any more is found and followed to its end."""
    await at.session()
    at.sandbox.control.switches(execution_delay_s=1)
    running = await at.query(PENDING, wait_s=0.5)
    assert running.status is Status.RUNNING
    await at.gateway.runner.stop()
    ended = await until(at, running.execution_id, StatementState.SUCCEEDED)
    assert ended.result_rows
    assert len(at.sent("orders")) == 1
