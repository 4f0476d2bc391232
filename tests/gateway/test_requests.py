"""Requests at their edges: asked twice, never decided, or for something that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clocked import clocked
from gateways import Stage
from skipass.errors import SkipassError
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.envelope import Status
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.anyio
UPDATE = "UPDATE ops.orders SET note = ? WHERE order_id = 1003"


def bound(note: str) -> dict[str, object]:
    return {"bindings": {"1": {"type": "TEXT", "value": note}}}


async def test_identical_held_calls_share_one_approval(at: Stage) -> None:
    """The same text with the same values, sent again while it waits, is the same question; other values are another."""
    await at.session()
    first, again = [await at.query(UPDATE, arguments=bound("seen")) for _ in range(2)]
    other = await at.query(UPDATE, arguments=bound("other"))
    assert first.fields["approval"]["id"] == again.fields["approval"]["id"]
    assert first.fields["statementHandle"] == again.fields["statementHandle"]
    assert other.fields["approval"]["id"] != first.fields["approval"]["id"]
    assert len(await at.every(Approval)) == len(await at.every(Statement, state=StatementState.HELD)) == 2
    await at.decide(first)
    assert (await at.settled(again.fields["statementHandle"])).status is Status.SUCCESS
    assert len([c for c in at.sent("SET note") if c["statement"].startswith("UPDATE")]) == 1


async def test_a_request_that_nobody_decides_lapses_after_an_hour(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A second before the hour it waits; after it session and approval have lapsed, with their events."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}, "ttl_s": 300, "reason": "test"}
    async with clocked(sandbox, tmp_path / "home") as by:
        asked = await by.at.call("skipass_request_session", wish)
        by.pass_(3595)
        await by.tick()
        (session,) = await by.at.every(AccessSession)
        assert session.state is SessionState.REQUESTED
        by.pass_(10)
        await by.tick()
        (session,) = await by.at.every(AccessSession)
        (approval,) = await by.at.every(Approval)
        assert (session.state, approval.state) == (SessionState.LAPSED, ApprovalState.LAPSED)
        shown = await by.at.call("skipass_show_session", {"session_id": asked.session_id})
        assert shown.data is not None
        assert shown.data["state"] == "lapsed"
        assert [len(by.kinds(kind)) for kind in ("session.lapsed", "approval.lapsed", "session.open")] == [1, 1, 0]


async def test_a_scope_that_names_no_database_opens_nothing_real(at: Stage) -> None:
    """A session on a database that does not exist reaches nothing: Snowflake says so, and elsewhere it is refused."""
    await at.session("NO_DB.NOWHERE")
    missing = await at.query("SELECT * FROM no_db.nowhere.t")
    assert (missing.status, missing.fields["code"]) == (Status.FAILED, "statement_failed")
    assert "does not exist" in missing.fields["message"]
    beside = await at.query("SELECT order_id FROM ops_db.ops.orders")
    assert (beside.status, beside.fields["code"]) == (Status.DENIED, "out_of_scope")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ttl_s": 0}, "invalid_request"),
        ({"ttl_s": -60}, "invalid_request"),
        ({"reason": "   "}, "invalid_request"),
        ({"scope": {"schemas": []}}, "invalid_scope"),
        ({"scope": {"schemas": ["OPS_DB.OPS"], "colour": "red"}}, "invalid_scope"),
        ({"scope": {"schemas": ["OPS_DB.OPS"], "access": "admin"}}, "invalid_scope"),
        ({"colour": "red"}, "unknown_field"),
        ({"budgets": {"rows": 0}}, "invalid_request"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_whole_and_recorded(
    at: Stage, changes: dict[str, object], code: str
) -> None:
    """Nothing of it is kept but the refusal."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "test", **changes}
    try:
        refusal = (await at.call("skipass_request_session", wish)).fields["code"]
    except SkipassError as error:
        refusal = error.code
    assert refusal == code
    assert await at.every(AccessSession) == []
    said = [one.content()["code"] for one in await at.recorded("session.refused")]
    assert said == [code]
