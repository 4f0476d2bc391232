"""Automatic sessions: an explicit one turns them off for good, and only an admin's word turns them on again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.envelope import Status
from skipass.nouns.session import AccessSession, AutomaticLeave, SessionState

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id, status FROM ops.orders WHERE status = 'pending'"


async def asked(at: Stage) -> Status:
    return (await at.query(PENDING, slug="snowflake")).status


async def explicit(at: Stage) -> None:
    """Have an explicit session and give it back."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    opened = await at.call("skipass_request_session", wish, slug="snowflake")
    await at.call("skipass_close_session", {"session_id": opened.session_id}, slug="snowflake")


async def allow(at: Stage, **changes: str | None) -> AutomaticLeave:
    wanted: dict[str, str | None] = {"agent": "reporting-agent", "user": "sam", "connection": "snowflake", **changes}
    return await at.gateway.automatic.allow(
        await at.principal("admin"),
        agent=wanted["agent"] or "",
        user=wanted["user"],
        connection=wanted["connection"] or "",
    )


async def test_the_path_is_gone_until_an_admin_allows_it_again(at: Stage) -> None:
    """After an explicit session nothing opens by itself; allowed again it does, until the next explicit one."""
    assert await asked(at) is Status.SUCCESS
    for _ in range(2):
        await explicit(at)
        assert await asked(at) is Status.SESSION_REQUIRED
        leave = await allow(at)
        assert await asked(at) is Status.SUCCESS
    said = [one.content() for one in await at.recorded("session.automatic_allowed")]
    admin = await at.principal("admin")
    assert [one["by"] for one in said] == [admin.user_id] * 2
    assert said[0]["agent_id"] == leave.agent_id
    assert len(await at.every(AutomaticLeave)) == 1


async def test_an_explicit_session_long_ago_still_counts(at: Stage) -> None:
    """However many sessions have been since, the explicit one keeps automatic ones off."""
    await explicit(at)
    (old,) = await at.every(AccessSession, automatic=False)

    async def fill(unit: UnitOfWork) -> None:
        for _ in range(250):
            await unit.insert(replace(old, id=new_id("session", unit.now), automatic=True, state=SessionState.CLOSED))

    await at.gateway.deps.journal.write(fill)
    assert await asked(at) is Status.SESSION_REQUIRED


async def test_a_refused_request_turns_nothing_off(at: Stage) -> None:
    """A session that never opened is no explicit session."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}, "ttl_s": 300, "reason": "test"}
    waiting = await at.call("skipass_request_session", wish, slug="snowflake")
    await at.decide(waiting, approve=False)
    assert await asked(at) is Status.SUCCESS


async def test_while_an_explicit_session_is_open_there_is_nothing_to_allow(at: Stage) -> None:
    """Leave given in the middle of an explicit session would not be the last word, so it is refused."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    await at.call("skipass_request_session", wish, slug="snowflake")
    with pytest.raises(SkipassError) as refused:
        await allow(at)
    assert refused.value.code == "conflict"


@pytest.mark.parametrize("wrong", [{"agent": "nobody"}, {"user": "nobody"}, {"connection": "nothing"}])
async def test_what_does_not_exist_is_not_allowed(at: Stage, wrong: dict[str, str]) -> None:
    """A name that does not exist is not found, and nothing is written."""
    with pytest.raises(SkipassError) as refused:
        await allow(at, **wrong)
    assert refused.value.code == "not_found"
    assert await at.every(AutomaticLeave) == []


async def test_only_admins_allow_it(at: Stage) -> None:
    """Neither an approver nor the agent turns automatic sessions on again."""
    await explicit(at)
    for who in ("approver", "agent"):
        with pytest.raises(SkipassError) as refused:
            await at.gateway.automatic.allow(
                await at.principal(who), agent="reporting-agent", user=None, connection="snowflake"
            )
        assert refused.value.code == "forbidden"
    assert await asked(at) is Status.SESSION_REQUIRED
