"""Nothing is used after its end, whatever is done to the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clocked import Clocked, clocked
from skipass.errors import SkipassError
from skipass.gateway.tickets import Tickets
from skipass.nouns.envelope import Status
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'clock' WHERE order_id = 1003"
STEPS = [0, -3600, -300, 300, 3600]


@pytest.fixture
async def by(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Clocked]:
    async with clocked(sandbox, tmp_path / "home") as running:
        yield running


async def session_of(by: Clocked, session_id: str) -> AccessSession:
    (session,) = await by.at.every(AccessSession, id=session_id)
    return session


@pytest.mark.parametrize("step", STEPS)
async def test_a_session_ends_when_its_time_has_passed(by: Clocked, step: int) -> None:
    """After the seconds that were granted the session is closed, though the wall clock says there is an hour left."""
    session = await by.at.session(ttl_s=120)
    granted = (await session_of(by, session)).expires_at
    done = await by.at.query(PENDING)
    assert done.status is Status.SUCCESS
    before = len(by.at.sent(""))
    by.step(step)
    by.pass_(120)
    again = await by.at.query(PENDING, arguments={"session_id": session})
    assert again.status is Status.EXPIRED
    partition = {"statement_handle": done.execution_id, "partition": 0}
    assert (await by.at.call("snowflake_get_query_partition", partition)).status is Status.EXPIRED
    await by.tick()
    ended = await session_of(by, session)
    while ended.state is not SessionState.CLOSED:
        await by.tick()
        ended = await session_of(by, session)
    assert (ended.end_reason, ended.expires_at) == (EndReason.EXPIRED, granted)
    assert len(by.at.sent("")) == before
    assert len(by.kinds("clock.jumped")) == (step != 0)


@pytest.mark.parametrize("step", [-3600, -300])
async def test_a_clock_that_is_set_back_takes_no_time_away(by: Clocked, step: int) -> None:
    """Until the granted time is over the session serves, and the timeout it pins is what really remains."""
    session = await by.at.session(ttl_s=120)
    by.step(step)
    by.pass_(100)
    served = await by.at.query(PENDING, arguments={"session_id": session})
    assert served.status is Status.SUCCESS
    (stored,) = await by.at.every(Statement, id=served.execution_id)
    assert 0 < stored.timeout_s <= 20


@pytest.mark.parametrize("step", STEPS)
async def test_nobody_decides_after_the_time_to_decide(by: Clocked, step: int) -> None:
    """An approval of which the hour has passed is refused at the decision itself, lapses, and nothing runs."""
    await by.at.session()
    held = await by.at.query(UPDATE)
    by.step(step)
    by.pass_(3600)
    with pytest.raises(SkipassError) as refused:
        await by.at.decide(held)
    assert refused.value.code == "conflict"
    await by.tick()
    told = await by.at.call("snowflake_get_query_status", {"statement_handle": held.fields["statementHandle"]})
    assert told.status is Status.LAPSED
    assert by.at.sent("UPDATE") == []


async def test_a_ticket_that_was_not_run_in_time_lapses(by: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Approved and then left until its approval is over, as by a process that died, a statement never runs."""

    async def nobody(tickets: Tickets, statement_id: str) -> None:
        """Claim nothing."""

    with monkeypatch.context() as gone:
        gone.setattr(Tickets, "run", nobody)
        await by.at.session()
        held = await by.at.query(UPDATE)
        await by.at.decide(held)
        by.pass_(3600)
    await by.tick()
    await by.tick()
    (stored,) = await by.at.every(Statement, id=held.fields["statementHandle"])
    assert stored.state is StatementState.LAPSED
    assert by.at.sent("UPDATE") == []


@pytest.mark.parametrize("step", [0, -3600])
async def test_a_one_time_link_and_a_login_end_in_time(by: Clocked, step: int) -> None:
    """A link of half an hour and a token of twelve hours are refused at their end, with the wall clock set back."""
    admin = await by.at.principal("admin")
    _, early = await by.at.gateway.people.link(admin, "grace")
    _, issued = await by.at.gateway.people.sign_in(early.reveal())
    _, late = await by.at.gateway.people.link(admin, "grace")
    by.step(step)
    by.pass_(1800)
    with pytest.raises(SkipassError) as refused:
        await by.at.gateway.people.sign_in(late.reveal())
    assert refused.value.code == "link_used"
    assert await by.at.gateway.authenticator.authenticate(issued.text.reveal())
    by.pass_(12 * 3600 - 1800)
    with pytest.raises(SkipassError) as refused:
        await by.at.gateway.authenticator.authenticate(issued.text.reveal())
    assert refused.value.code == "unauthenticated"


async def test_a_rotated_key_ends_a_day_later(by: Clocked) -> None:
    """The earlier key of an agent serves for a day beside the new one, and not a second longer."""
    admin, old = await by.at.principal("admin"), by.at.keys["agent"]["api_key"]
    _, issued = await by.at.gateway.agents.rotate(admin, "reporting-agent")
    by.pass_(24 * 3600 - 1)
    for key in (old, issued.text.reveal()):
        assert await by.at.gateway.authenticator.authenticate(key)
    by.pass_(1)
    with pytest.raises(SkipassError):
        await by.at.gateway.authenticator.authenticate(old)
    assert await by.at.gateway.authenticator.authenticate(issued.text.reveal())


async def test_a_session_without_calls_is_idle(by: Clocked) -> None:
    """Fifteen minutes after its last statement an open session closes as idle, long before its own end."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 3600, "reason": "long"}
    asked = await by.at.call("skipass_request_session", wish)
    await by.at.decide(asked)
    session = str(asked.session_id)
    by.pass_(800)
    assert (await by.at.query(PENDING)).status is Status.SUCCESS
    by.pass_(800)
    await by.tick()
    assert (await session_of(by, session)).state is SessionState.OPEN
    by.pass_(101)
    while (await session_of(by, session)).state is not SessionState.CLOSED:
        await by.tick()
    assert (await session_of(by, session)).end_reason is EndReason.IDLE


async def test_running_is_not_idle(by: Clocked) -> None:
    """While a statement runs, and right after it has ended, its session is not idle."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 3600, "reason": "long"}
    asked = await by.at.call("skipass_request_session", wish)
    await by.at.decide(asked)
    by.at.sandbox.control.switches(execution_delay_s=1.5)
    running = await by.at.query(PENDING, wait_s=0.0)
    assert running.status is Status.RUNNING
    while (await by.at.every(Statement, id=running.execution_id))[0].state is not StatementState.SUBMITTED:
        await asyncio.sleep(0)
    by.pass_(1000)
    await by.tick()
    assert (await session_of(by, str(asked.session_id))).state is SessionState.OPEN
    assert (await by.at.settled(running.execution_id)).status is Status.SUCCESS
    await by.tick()
    assert (await session_of(by, str(asked.session_id))).state is SessionState.OPEN


async def test_a_held_result_is_there_for_a_day(by: Clocked) -> None:
    """After its session a ticket's result is collected by its own principal for 24 hours, and then it is gone."""
    session = await by.at.session(ttl_s=120)
    held = await by.at.query(UPDATE)
    handle = held.fields["statementHandle"]
    by.pass_(121)
    while (await session_of(by, session)).state is not SessionState.CLOSED:
        await by.tick()
    await by.at.decide(held)
    collected = await by.at.settled(handle)
    assert collected.status is Status.SUCCESS
    assert collected.data is not None
    by.pass_(24 * 3600 - 60)
    assert (await by.at.settled(handle)).data == collected.data
    by.pass_(61)
    assert (await by.at.settled(handle)).data is None
    assert len(by.at.sent("UPDATE")) == 1
