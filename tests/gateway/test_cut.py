"""What is taken away is gone at once: sessions, running statements, held ones, tickets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.envelope import Status
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
SLOW = "SELECT COUNT(*) FROM ops.orders a, ops.orders b, ops.orders c, ops.orders d, ops.orders e"
UPDATE = "UPDATE ops.orders SET note = 'cut' WHERE order_id = 1003"
Cut = Callable[[Stage, str], Awaitable[Any]]


async def agent(at: Stage, session: str) -> None:
    await at.gateway.agents.disable(await at.principal("admin"), "reporting-agent")


async def user(at: Stage, session: str) -> None:
    await at.gateway.people.disable(await at.principal("admin"), "sam")


async def connection(at: Stage, session: str) -> None:
    await at.gateway.connections.disable(await at.principal("admin"), "jit")


async def revoke(at: Stage, session: str) -> None:
    await at.gateway.ending.revoke(await at.principal("approver"), session)


async def served(at: Stage, caller: Principal) -> bool:
    """Return whether a caller that was let in before still gets rows."""
    arguments, context = {"statement": SLOW}, CallContext("req_late")
    try:
        late = await at.gateway.calls.call(caller, Target(slug="jit"), "snowflake_execute_query", arguments, context)
    except SkipassError:
        return False
    return late.status in (Status.SUCCESS, Status.RUNNING)


async def state(at: Stage, kind: type[Any], id_: str) -> Any:
    (stored,) = await at.every(kind, id=id_)
    return stored.state


@pytest.mark.parametrize("cut", [agent, user, connection, revoke], ids=lambda cut: cut.__name__)
async def test_everything_of_it_ends(at: Stage, cut: Cut) -> None:
    """The session closes, what runs is cancelled in Snowflake, what is held is withdrawn, and nothing is sent after."""
    caller = await at.principal("agent")
    session = await at.session()
    held = await at.query(UPDATE)
    at.sandbox.control.switches(execution_delay_s=20)
    running = await at.query(SLOW, wait_s=0.0)
    while await state(at, Statement, running.execution_id) is StatementState.ADMITTED:
        await asyncio.sleep(0)
    await cut(at, session)
    sent = len([call for call in at.sent("") if call["statement"]])
    assert not await served(at, caller)
    while await state(at, AccessSession, session) is not SessionState.CLOSED:
        await asyncio.sleep(0)
    assert await state(at, Statement, running.execution_id) is StatementState.CANCELLED
    assert await state(at, Statement, held.fields["statementHandle"]) is StatementState.WITHDRAWN
    assert await state(at, Approval, held.fields["approval"]["id"]) is ApprovalState.WITHDRAWN
    with pytest.raises(SkipassError) as refused:
        await at.decide(held)
    assert refused.value.code == "conflict"
    assert len([call for call in at.sent("") if call["statement"]]) == sent


async def test_a_revoke_between_admission_and_the_first_byte_is_in_time(
    at: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that was admitted and has not left when its session is revoked never leaves."""
    session = await at.session()
    epoch = at.gateway.runner.epoch
    still_admitted = type(epoch).still_admitted

    async def late(self: Any, statement: Statement, under: int) -> None:
        if not statement.system:
            await revoke(at, session)
            await self.poll()
        await still_admitted(self, statement, under)

    monkeypatch.setattr(type(epoch), "still_admitted", late)
    told = await at.query("SELECT order_id FROM ops.orders")
    assert (told.status, told.fields["code"]) == (Status.FAILED, "not_sent")
    assert at.sent("orders") == []


async def test_a_caller_that_withdraws_its_call_cancels_its_statement(at: Stage) -> None:
    """A call cancelled before it was answered, as by a client that closed its stream, ends in Snowflake too."""
    await at.session()
    at.sandbox.control.switches(execution_delay_s=20)
    call = asyncio.create_task(at.query(SLOW))
    while not (found := await at.every(Statement, state=StatementState.SUBMITTED)):
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    while await state(at, Statement, found[0].id) is not StatementState.CANCELLED:
        await asyncio.sleep(0)


async def test_a_withdrawn_call_never_cancels_what_a_person_approved(at: Stage) -> None:
    """A client that stops waiting for a ticket leaves it running: it was approved, and it is collected later."""
    await at.session()
    held = await at.query(UPDATE)
    at.sandbox.control.switches(execution_delay_s=0.5)
    await at.decide(held)
    handle = held.fields["statementHandle"]
    call = asyncio.create_task(at.query(UPDATE))
    while await state(at, Statement, handle) in (StatementState.APPROVED, StatementState.ADMITTED):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await at.settled(handle)).status is Status.SUCCESS


async def test_an_explicit_session_ends_the_automatic_one_and_what_it_held(at: Stage) -> None:
    """What the automatic session held is withdrawn when an explicit one opens, and is never run."""
    held = await at.query(UPDATE, slug="snowflake")
    assert held.status is Status.APPROVAL_REQUIRED
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "r"}
    await at.call("skipass_request_session", wish, slug="snowflake")
    assert await state(at, Statement, held.fields["statementHandle"]) is StatementState.WITHDRAWN
    with pytest.raises(SkipassError):
        await at.decide(held)
    assert at.sent("UPDATE") == []
