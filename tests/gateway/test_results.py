"""Results leave a partition at a time, debited before it is delivered, to their own principal, while it is open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.session import AccessSession, EndReason
from skipass.nouns.statement import Statement
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
EVERY = "SELECT order_id FROM ops.orders ORDER BY order_id"
UPDATE = "UPDATE ops.orders SET note = 'result' WHERE order_id = 1003"


@pytest.fixture
def small(at: Stage) -> Stage:
    """Let Snowflake cut results into partitions of four rows."""
    at.sandbox.control.switches(partition_rows=4)
    return at


async def part(at: Stage, handle: str, index: int) -> Envelope:
    return await at.call("snowflake_get_query_partition", {"statement_handle": handle, "partition": index})


async def opened(at: Stage, **budgets: int) -> str:
    """Open a session with these budgets."""
    wish: dict[str, Any] = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "r", "budgets": budgets}
    return str((await at.call("skipass_request_session", wish)).session_id)


async def left(at: Stage, session: str) -> AccessSession:
    (stored,) = await at.every(AccessSession, id=session)
    return stored


async def test_partitions_together_are_the_result(small: Stage) -> None:
    """Every row comes exactly once, over all partitions, and each partition is one debit and one record."""
    session = await small.session()
    whole = await left(small, session)
    first = await small.query(EVERY)
    assert first.data is not None
    (stored,) = await small.every(Statement, id=first.execution_id)
    count = len(stored.partitions)
    assert count > 2
    rows = list(first.data["data"])
    for index in range(1, count):
        more = await part(small, first.execution_id, index)
        assert more.status is Status.SUCCESS
        assert more.data is not None
        rows += more.data["data"]
    ids = [int(row[0]) for row in rows]
    assert ids == sorted(set(ids))
    assert len(ids) == stored.result_rows
    after = await left(small, session)
    assert whole.rows_left - after.rows_left == len(ids)
    assert whole.bytes_left - after.bytes_left == sum(size for _, size in stored.partitions)


async def test_a_partition_that_does_not_fit_ends_the_session_without_a_row(small: Stage) -> None:
    """With rows for one partition and a half the second is withheld whole, and the session is over for that reason."""
    session = await opened(small, rows=6)
    first = await small.query(EVERY)
    assert first.data is not None
    assert len(first.data["data"]) == 4
    more = await part(small, first.execution_id, 1)
    assert (more.status, more.data) == (Status.BUDGET_EXCEEDED, None)
    ended = await left(small, session)
    assert ended.end_reason is EndReason.BUDGET
    assert ended.rows_left == 2
    assert (await part(small, first.execution_id, 0)).status is Status.EXPIRED


async def test_bytes_are_a_budget_too(small: Stage) -> None:
    """A session with few bytes delivers nothing that is larger."""
    session = await opened(small, bytes=8)
    answer = await small.query("SELECT note, status, customer_id FROM ops.orders ORDER BY order_id")
    assert (answer.status, answer.data) == (Status.BUDGET_EXCEEDED, None)
    assert (await left(small, session)).bytes_left == 8


async def test_budgets_are_debited_once_under_many_callers(small: Stage) -> None:
    """Of twenty callers at once for four rows, the ten left are enough for two, and nothing goes below zero."""
    session = await opened(small, rows=14)
    first = await small.query(EVERY)
    answers = await asyncio.gather(*(part(small, first.execution_id, 1) for _ in range(20)))
    delivered = [answer for answer in answers if answer.status is Status.SUCCESS]
    assert len(delivered) == 2
    assert (await left(small, session)).rows_left == 2


async def test_a_partition_that_does_not_exist_says_how_many_there_are(small: Stage) -> None:
    """A number beyond the last is a wrong request, and takes nothing from the budgets."""
    session = await small.session()
    first = await small.query(EVERY)
    before = await left(small, session)
    with pytest.raises(SkipassError) as refused:
        await part(small, first.execution_id, 1000)
    assert refused.value.code == "invalid_request"
    assert "numbered 0 to" in refused.value.hint
    assert (await left(small, session)).left == before.left


async def test_nothing_is_handed_out_after_the_session(small: Stage) -> None:
    """Once the session is closed neither a first nor a later partition is fetched or delivered."""
    session = await small.session()
    first = await small.query(EVERY)
    await small.call("skipass_close_session", {"session_id": session})
    calls = len(small.sandbox.control.calls())
    for index in (0, 1):
        answer = await part(small, first.execution_id, index)
        assert (answer.status, answer.data) == (Status.EXPIRED, None)
    status = await small.call("snowflake_get_query_status", {"statement_handle": first.execution_id})
    assert (status.status, status.data) == (Status.EXPIRED, None)
    assert len(small.sandbox.control.calls()) == calls


async def as_(at: Stage, key: str, identifier: str | None, tool: str, **arguments: object) -> Envelope:
    principal = await at.gateway.authenticator.authenticate(key, identifier=identifier)
    return await at.gateway.calls.call(principal, Target(slug="jit"), tool, arguments, CallContext("req_other"))


async def test_a_tickets_result_is_its_principals_alone(at: Stage) -> None:
    """Another agent, and the same agent for another user, do not find it; a disabled agent is out."""
    await at.session()
    held = await at.query(UPDATE)
    await at.decide(held)
    handle = held.fields["statementHandle"]
    assert (await at.settled(handle)).status is Status.SUCCESS
    admin = await at.principal("admin")
    make = at.gateway.agents.create
    _, other = await make(admin, "other", owner="sam", users=["sam", "ada"], connections=["jit"])
    for identifier in ("sam", "ada"):
        told = await as_(at, other.text.reveal(), identifier, "snowflake_get_query_status", statement_handle=handle)
        assert (told.status, told.data) == (Status.NOT_FOUND, None)
    await at.gateway.agents.disable(admin, "reporting-agent")
    with pytest.raises(SkipassError):
        await at.settled(handle)


async def test_of_a_held_statement_only_the_first_partition_is_kept(at: Stage) -> None:
    """A later partition of a ticket is refused as gone, never answered with the first one's rows."""
    await at.session()
    held = await at.query(UPDATE)
    await at.decide(held)
    await at.settled(held.fields["statementHandle"])
    with pytest.raises(SkipassError) as refused:
        await part(at, held.fields["statementHandle"], 1)
    assert refused.value.code == "invalid_request"


async def test_an_outcome_that_was_not_delivered_is_collected_by_the_same_call(at: Stage) -> None:
    """A call that was answered `running`, sent again after it ended, gets that outcome and runs nothing."""
    await at.session()
    at.sandbox.control.faults({"kind": "delay", "delay_ms": 200, "method": "POST"})
    first = await at.query(EVERY, wait_s=0.0)
    assert first.status is Status.RUNNING
    again = await at.query(EVERY)
    assert again.status is Status.SUCCESS
    assert again.execution_id == first.execution_id
    assert len(at.sent("orders")) == 1
    fresh = await at.query(EVERY)
    assert fresh.execution_id != first.execution_id
