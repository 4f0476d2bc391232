"""Whom an agent acts for: added by themself or by an admin, and taken back at once."""

from __future__ import annotations

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.nouns.people import ActsFor, Agent
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState

pytestmark = pytest.mark.anyio


async def agent(at: Stage, **how: object) -> str:
    """Register sam's agent and return its key."""
    given = {"owner": "sam", "users": [], "connections": ["jit"], **how}
    _, keys = await at.gateway.agents.create(await at.principal("admin"), "shared", **given)  # type: ignore[arg-type]
    return keys.text.reveal()


async def of(at: Stage, key: str, name: str) -> Principal:
    return await at.gateway.authenticator.authenticate(key, identifier=name)


async def test_a_person_lets_an_agent_act_for_themself(at: Stage) -> None:
    """From then on the agent names whom it acts for: its owner as before, and that person."""
    key, grace = await agent(at), await at.principal("approver")
    with pytest.raises(SkipassError) as before:
        await of(at, key, "grace")
    assert before.value.code == "not_your_user"
    found = await at.gateway.agent_users.allow(grace, "shared")
    assert found.acts_for is ActsFor.USERS
    assert (await of(at, key, "grace")).user_name == "grace"
    assert (await of(at, key, "sam")).user_name == "sam"
    assert await at.gateway.agent_users.allow(grace, "shared") == found


async def test_nobody_adds_somebody_else_but_an_admin(at: Stage) -> None:
    """An owner names only himself; what an admin adds is on record with who it was."""
    key, admin, grace = await agent(at), await at.principal("admin"), await at.principal("approver")
    for name in ("ada", "nobody"):
        with pytest.raises(SkipassError) as refused:
            await at.gateway.agent_users.allow(grace, "shared", name)
        assert refused.value.code == "forbidden"
    with pytest.raises(SkipassError) as by_itself:
        await at.gateway.agent_users.allow(await of(at, key, "sam"), "shared")
    assert by_itself.value.code == "forbidden"
    await at.gateway.agent_users.allow(admin, "shared", "grace")
    (told,) = await at.recorded("agent.changed")
    assert str(admin.user_id) in str(told.body)


async def test_what_is_taken_back_ends_at_once(at: Stage) -> None:
    """The person's sessions of that agent close with it, and the agent is refused for them."""
    grace = await at.principal("approver")
    await at.session()
    (mine,) = await at.every(AccessSession)
    sam = mine.user_id
    admin = await at.principal("admin")
    await at.gateway.agent_users.allow(grace, "reporting-agent")
    await at.gateway.agent_users.disallow(admin, "reporting-agent", "sam")
    (ended,) = await at.every(AccessSession, id=mine.id)
    assert ended.state is not SessionState.OPEN
    (left,) = await at.every(Agent, name="reporting-agent")
    assert sam not in left.users
    with pytest.raises(SkipassError):
        await of(at, at.keys["agent"]["api_key"], "sam")


async def test_an_applications_agent_has_no_list(at: Stage) -> None:
    """Its people are its own; nobody of the company is added."""
    await agent(at, end_users=True)
    with pytest.raises(SkipassError) as refused:
        await at.gateway.agent_users.allow(await at.principal("approver"), "shared")
    assert refused.value.code == "invalid_request"
