"""More time is a new session: linked to the one before, decided like any other, and heir to what was under way."""

from __future__ import annotations

from typing import Any

import pytest

from gateways import Stage
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"
UPDATE = "UPDATE ops.orders SET note = 'seen' WHERE order_id = 1003"


async def extend(at: Stage, session_id: str, ttl_s: int = 300, slug: str = "jit", **more: Any) -> Envelope:
    wish = {"session_id": session_id, "ttl_s": ttl_s, "reason": "not done yet", **more}
    return await at.call("skipass_extend_session", wish, slug=slug)


async def one(at: Stage, session_id: str | None) -> AccessSession:
    (session,) = await at.every(AccessSession, id=session_id)
    return session  # type: ignore[no-any-return]


def code(envelope: Envelope) -> str:
    return str(envelope.fields.get("code"))


async def test_an_extension_is_a_session_of_its_own(at: Stage) -> None:
    """The successor has its own end and budgets, the predecessor's end does not move, and it ends at once."""
    first = await at.session(ttl_s=60)
    before = await one(at, first)
    envelope = await extend(at, first)
    assert envelope.status is Status.SUCCESS
    after, ended = await one(at, envelope.session_id), await one(at, first)
    assert (after.predecessor_id, after.scope, after.role) == (first, before.scope, before.role)
    assert ended.expires_at == before.expires_at
    assert ended.state in (SessionState.CLOSING, SessionState.CLOSED)
    assert after.expires_at > before.expires_at
    assert (await at.query(PENDING)).session_id == after.id
    assert code(await extend(at, first)) == "expired"


async def test_longer_than_policy_allows_waits_for_a_person(at: Stage) -> None:
    """Until somebody decides, the predecessor goes on unchanged; then the successor takes its place."""
    first = await at.session(ttl_s=60)
    asked = await extend(at, first, ttl_s=3600)
    assert asked.status is Status.APPROVAL_REQUIRED
    assert (await at.query(PENDING)).session_id == first
    await at.decide(asked)
    assert (await at.query(PENDING)).session_id == asked.session_id
    assert (await one(at, first)).state is not SessionState.OPEN


async def test_what_was_held_is_held_on(at: Stage) -> None:
    """A held statement keeps its handle and its approval, runs once, and falls with the session that now has it."""
    first = await at.session()
    held = await at.query(UPDATE)
    second = (await extend(at, first)).session_id
    await at.decide(held)
    settled = await at.settled(held.fields["statementHandle"])
    assert (settled.status, settled.session_id) == (Status.SUCCESS, second)
    assert len(at.sent("UPDATE")) == 1
    other = await at.query("UPDATE ops.orders SET note = 'again' WHERE order_id = 1003")
    third = (await extend(at, str(second))).session_id
    await at.call("skipass_close_session", {"session_id": third})
    assert (await at.settled(other.fields["statementHandle"])).status is Status.WITHDRAWN
    assert {approval.session_id for approval in await at.every(Approval)} == {second, third} - {first}


async def test_the_same_call_after_the_change_is_the_same_statement(at: Stage) -> None:
    """Sent again in the successor, with its request id or without, a held statement is collected, not held twice."""
    first = await at.session()
    held = await at.query(UPDATE, arguments={"request_id": "once"})
    await extend(at, first)
    for arguments in ({"request_id": "once"}, {}):
        again = await at.query(UPDATE, arguments=arguments)
        assert again.fields["statementHandle"] == held.fields["statementHandle"]
    assert len(await at.every(Approval)) == 1


async def test_what_runs_runs_on_and_answers_by_its_handle(at: Stage) -> None:
    """A running statement is not cancelled by the change, and its rows count against the successor."""
    first = await at.session()
    at.sandbox.control.switches(execution_delay_s=1)
    running = await at.query(PENDING, arguments={"async": True})
    envelope = await extend(at, first)
    settled = await at.settled(running.fields["statementHandle"])
    assert (settled.status, settled.session_id) == (Status.SUCCESS, envelope.session_id)
    (statement,) = await at.every(Statement)
    assert statement.session_id == envelope.session_id
    assert (await one(at, envelope.session_id)).rows_left < (await one(at, first)).rows_left


async def test_it_is_on_record_at_both_ends(at: Stage) -> None:
    """The old session's record names its successor and what passed over, the new one's names its predecessor."""
    first = await at.session()
    held = await at.query(UPDATE)
    second = (await extend(at, first)).session_id
    before = {r.kind: r.content() for r in await at.gateway.events.of_session(await one(at, first))}
    assert before["session.extended"] == {"successor_id": second, "adopted": [held.execution_id]}
    after = {r.kind: r.content() for r in await at.gateway.events.of_session(await one(at, second))}
    assert after["session.requested"]["predecessor_id"] == first


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"scope": {"schemas": ["FINANCE_DB.HR"]}}, "invalid_scope"),
        ({"scope": {"schemas": ["OPS_DB.OPS"], "tables": ["OPS_DB.OPS.ORDERS"]}}, "invalid_scope"),
        ({"scope": {"schemas": ["OPS_DB.OPS"], "role": "ACCOUNTADMIN"}}, "invalid_scope"),
        ({"ttl_s": 8 * 3600 + 1}, "not_allowed"),
    ],
)
async def test_an_extension_is_never_less_and_never_too_long(at: Stage, more: dict[str, Any], expected: str) -> None:
    """Another area, a narrower one, another role, or more time than policy knows is refused; the session stays."""
    first = await at.session()
    try:
        refused = code(await extend(at, first, **more))
    except Exception as error:  # noqa: BLE001  a malformed scope is raised, as it is for any request
        refused = getattr(error, "code", "")
    assert refused == expected
    assert (await one(at, first)).state is SessionState.OPEN


async def test_an_automatic_session_is_not_extended(at: Stage) -> None:
    """Nobody asked for it, so nobody asks for more of it."""
    opened = await at.query(PENDING, slug="snowflake")
    assert code(await extend(at, str(opened.session_id), slug="snowflake")) == "conflict"


async def test_a_repeated_extension_is_one(at: Stage) -> None:
    """The same request id gives the same successor."""
    first = await at.session()
    one_, two = [await extend(at, first, request_id="more") for _ in range(2)]
    assert one_.session_id == two.session_id
    assert len(await at.every(AccessSession)) == 2


async def test_somebody_elses_session_is_not_found(at: Stage) -> None:
    """A session id is no authority."""
    assert code(await extend(at, "ses_00000000000000000000000000")) == "not_found"
