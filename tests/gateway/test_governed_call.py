"""The spine, from an agent's call to rows out of a Snowflake account and back."""

from __future__ import annotations

import asyncio

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
SLOW = "SELECT COUNT(*) FROM ops.orders a, ops.orders b, ops.orders c, ops.orders d, ops.orders e"
UPDATE = "UPDATE ops.orders SET note = 'seen' WHERE order_id = 1003"


def code(envelope: Envelope) -> str:
    return str(envelope.fields.get("code"))


async def test_without_a_session_a_query_is_refused_with_the_request_that_would_do(at: Stage) -> None:
    """The refusal holds a request that, sent as it is, lets the same query run."""
    refused = await at.query(PENDING)
    assert refused.status is Status.SESSION_REQUIRED
    request = refused.fields["request"]
    assert request["scope"]["schemas"] == ["OPS_DB.OPS"]
    opened = await at.call(
        "skipass_request_session", {"scope": request["scope"], "ttl_s": request["ttl_s"], "reason": "because"}
    )
    assert opened.status is Status.SUCCESS
    assert (await at.query(PENDING)).status is Status.SUCCESS
    assert len(at.sent(PENDING.split("FROM")[0])) == 1


async def test_a_read_in_scope_runs_with_everything_pinned(at: Stage) -> None:
    """What reaches Snowflake carries our tag, the full name, and a timeout no longer than the session."""
    await at.session(ttl_s=60)
    envelope = await at.query(PENDING)
    assert envelope.status is Status.SUCCESS
    assert envelope.data is not None
    assert {row[1] for row in envelope.data["data"]} == {"pending"}
    (call,) = at.sent("OPS_DB.ops.orders")
    assert call["query_tag"] == f"skipass:{envelope.execution_id}"
    (stored,) = await at.every(Statement, id=envelope.execution_id)
    assert 0 < stored.timeout_s <= 60


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT * FROM FINANCE_DB.HR.SALARIES", "out_of_scope"),
        ("GRANT ROLE AGENT_ROLE TO USER X", "not_allowed"),
        ("SELECT 1; SELECT 2", "multi_statement"),
        ("SELEC order_id FROM ops.orders", "unparseable"),
        ("USE ROLE ACCOUNTADMIN", "not_allowed"),
        ("SELECT '" + "x" * 1_100_000 + "'", "statement_too_large"),
    ],
)
async def test_what_the_scope_does_not_cover_is_refused_and_nothing_is_sent(
    at: Stage, statement: str, expected: str
) -> None:
    """A refusal has its code, leaves nothing at Snowflake, and is on record."""
    await at.session()
    envelope = await at.query(statement)
    assert (envelope.status, code(envelope)) == (Status.DENIED, expected)
    assert at.sent("") == []
    (stored,) = await at.every(Statement, id=envelope.execution_id)
    assert stored.error_code == expected


async def test_a_write_is_held_approved_and_run_once(at: Stage) -> None:
    """A held write runs exactly once after a person approved it, however often anybody asks."""
    await at.session()
    first, second = await at.query(UPDATE), await at.query(UPDATE)
    assert first.status is Status.APPROVAL_REQUIRED
    assert first.fields["approval"]["id"] == second.fields["approval"]["id"]
    assert at.sent("UPDATE") == []
    await at.decide(first)
    collected = await at.settled(first.fields["statementHandle"])
    assert collected.status is Status.SUCCESS
    assert collected.data is not None
    assert collected.data["data"][0][0] == "1"
    again = await at.settled(first.fields["statementHandle"])
    assert again.data == collected.data
    assert len(at.sent("UPDATE")) == 1


async def test_a_ticket_outlives_its_session_by_expiry_but_not_by_release(at: Stage) -> None:
    """Closing a session withdraws what it held, and the approval with it."""
    session = await at.session()
    held = await at.query(UPDATE)
    await at.call("skipass_close_session", {"session_id": session})
    assert (await at.settled(held.fields["statementHandle"])).status is Status.WITHDRAWN
    with pytest.raises(Exception, match="withdrawn already"):
        await at.decide(held)
    assert at.sent("UPDATE") == []


async def test_a_denied_write_never_runs(at: Stage) -> None:
    """One no is enough."""
    await at.session()
    held = await at.query(UPDATE)
    await at.decide(held, approve=False)
    envelope = await at.settled(held.fields["statementHandle"])
    assert (envelope.status, code(envelope)) == (Status.DENIED, "approval_denied")
    assert at.sent("UPDATE") == []


async def test_a_held_statement_can_be_taken_back(at: Stage) -> None:
    """Cancelled by its own caller, a held statement is withdrawn, cannot be approved any more, and never runs."""
    await at.session()
    held = await at.query(UPDATE)
    handle = held.fields["statementHandle"]
    assert (await at.call("snowflake_cancel_query", {"statement_handle": handle})).status is Status.WITHDRAWN
    with pytest.raises(SkipassError):
        await at.decide(held)
    assert (await at.settled(handle)).status is Status.WITHDRAWN
    assert at.sent("UPDATE") == []
    again = await at.query(UPDATE)
    assert again.fields["statementHandle"] != handle


@pytest.mark.parametrize("who", ["agent"])
async def test_agents_never_decide(at: Stage, who: str) -> None:
    """An agent's credential is refused at the decision itself."""
    await at.session()
    held = await at.query(UPDATE)
    with pytest.raises(Exception, match="Agents never decide"):
        await at.decide(held, who=who)


async def test_a_closed_session_is_no_way_through(at: Stage) -> None:
    """After the close the same query, with or without the session's id, is refused and nothing is sent."""
    session = await at.session()
    assert (await at.query(PENDING)).status is Status.SUCCESS
    closed = await at.call("skipass_close_session", {"session_id": session})
    assert closed.data is not None
    assert closed.data["state"] == "closed"
    assert (await at.query(PENDING)).status is Status.SESSION_REQUIRED
    assert (await at.query(PENDING, arguments={"session_id": session})).status is Status.EXPIRED
    assert len(at.sent("ops.orders")) == 1


async def test_closing_cancels_what_runs(at: Stage) -> None:
    """A running statement is cancelled in Snowflake when its session closes."""
    session = await at.session()
    running = await at.query(SLOW, wait_s=0.0)
    assert running.status is Status.RUNNING
    await at.call("skipass_close_session", {"session_id": session})
    state = "closing"
    while state == "closing":
        state = (await at.every(AccessSession, id=session))[0].state.value
    (stored,) = await at.every(Statement, id=running.execution_id)
    assert stored.state.value == "cancelled"


async def test_the_same_call_while_it_runs_collects_instead_of_running_twice(at: Stage) -> None:
    """Two identical calls at once are one statement at Snowflake, and both get its rows."""
    await at.session()
    at.sandbox.control.faults({"kind": "delay", "delay_ms": 300, "method": "POST"})
    one, two = await asyncio.gather(at.query(PENDING), at.query(PENDING))
    assert (one.status, two.status) == (Status.SUCCESS, Status.SUCCESS)
    assert one.execution_id == two.execution_id
    assert len(at.sent("ops.orders")) == 1


async def test_a_request_id_names_one_statement(at: Stage) -> None:
    """The same request id gives the same outcome; with another text it is a conflict; Snowflake never hears of it."""
    await at.session()
    one = await at.query(PENDING, arguments={"request_id": "11111111-1111-4111-8111-111111111111"})
    two = await at.query(PENDING, arguments={"request_id": "11111111-1111-4111-8111-111111111111"})
    assert one.execution_id == two.execution_id
    other = await at.query("SELECT 1", arguments={"request_id": "11111111-1111-4111-8111-111111111111"})
    assert code(other) == "idempotency_conflict"
    assert len(at.sent("ops.orders")) == 1
    assert "11111111-1111" not in str(at.sandbox.control.calls())


async def test_another_role_or_warehouse_than_the_sessions_is_refused(at: Stage) -> None:
    """A call cannot leave its session by naming another role or warehouse."""
    await at.session()
    for extra in ({"role": "ACCOUNTADMIN"}, {"warehouse": "BIG_WH"}):
        envelope = await at.query(PENDING, arguments=extra)
        assert envelope.status is Status.SESSION_REQUIRED
    assert at.sent("ops.orders") == []


async def test_budgets_end_the_session_and_deliver_no_partial_row(at: Stage) -> None:
    """A result larger than the rows left is withheld whole, and the session is over."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "r", "budgets": {"rows": 3}}
    await at.call("skipass_request_session", wish)
    envelope = await at.query(PENDING)
    assert envelope.status is Status.BUDGET_EXCEEDED
    assert envelope.data is None
    assert (await at.query("SELECT 1")).status is Status.SESSION_REQUIRED


async def test_statement_budget(at: Stage) -> None:
    """The last statement of a budget runs; the one after it does not."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "r", "budgets": {"statements": 1}}
    await at.call("skipass_request_session", wish)
    assert (await at.query("SELECT 1 AS a")).status is Status.SUCCESS
    assert (await at.query("SELECT 2 AS a")).status is Status.BUDGET_EXCEEDED


async def test_the_automatic_session_serves_until_an_explicit_one_was_used(at: Stage) -> None:
    """Where policy names an automatic scope no session is needed, until an explicit one has been opened."""
    assert (await at.query(PENDING, slug="snowflake")).status is Status.SUCCESS
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "r"}
    opened = await at.call("skipass_request_session", wish, slug="snowflake")
    assert (await at.query(PENDING, slug="snowflake")).session_id == opened.session_id
    await at.call("skipass_close_session", {"session_id": opened.session_id}, slug="snowflake")
    assert (await at.query(PENDING, slug="snowflake")).status is Status.SESSION_REQUIRED


async def test_a_failed_statement_says_what_snowflake_said(at: Stage) -> None:
    """A compile error comes back as failed, with Snowflake's code and words."""
    await at.session()
    envelope = await at.query("SELECT no_such_column FROM ops.orders")
    assert (envelope.status, code(envelope)) == (Status.FAILED, "statement_failed")
    assert envelope.fields["snowflake_code"] == "000904"
