"""Whom an agent acts for: added by themself or by an admin, and taken back at once."""

from __future__ import annotations

import email
import json
from dataclasses import replace
from email import policy
from typing import Any

import pytest

from gateway.listeners import listening, mail_server
from gateway.test_notices import hook, told_by
from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.agent_messages import address_of
from skipass.gateway.egress import Egress
from skipass.gateway.mail import Mail
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.notice import Notice, NoticeState
from skipass.nouns.people import ActsFor, Agent, User
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


async def test_a_person_is_told_whom_an_admin_added(at: Stage) -> None:
    """Which agent, whose, by whom and how to take it back; what a person does for themself is told to nobody."""
    await agent(at)
    admin, grace = await at.principal("admin"), await at.principal("approver")
    async with listening() as there:
        notices = await told_by(at, {"webhook": hook(at, there)})
        await at.gateway.agent_users.allow(admin, "shared", "grace")
        await at.gateway.agent_users.allow(admin, "shared", "grace")
        await at.gateway.agent_users.allow(admin, "shared")
        assert await notices.round() == 1
        said = json.loads(there.got[0][1])
        assert said | {"id": "", "url": ""} == {
            "id": "",
            "kind": "agent.acts_for",
            "agent": {"name": "shared", "owner": "sam"},
            "for": "grace",
            "by": "ada",
            "url": "",
        }
    (sent,) = await at.recorded("notice.sent")
    assert json.loads(sent.body)["user_id"] == grace.user_id


async def test_whom_a_new_agent_acts_for_is_told(at: Stage) -> None:
    """Its users, or the owner that an admin gave it; the admin who made it needs no word of it."""
    async with listening() as there:
        notices = await told_by(at, {"webhook": hook(at, there)})
        await agent(at, users=["ada", "grace"])
        admin = await at.principal("admin")
        await at.gateway.agents.create(admin, "owned", owner="sam", users=[], connections=["jit"])
        await notices.round()
        assert sorted(json.loads(body)["for"] for _, body in there.got) == ["grace", "sam"]


async def test_what_was_taken_back_meanwhile_is_not_told(at: Stage) -> None:
    """A notice of an agent that acts for the person no longer is dropped, and so is one of a disabled agent."""
    admin, grace = await at.principal("admin"), await at.principal("approver")
    async with listening() as there:
        notices = await told_by(at, {"webhook": hook(at, there)})
        await agent(at, owner="ada")
        await at.gateway.agent_users.allow(admin, "shared", "grace")
        await at.gateway.agent_users.disallow(grace, "shared")
        await at.gateway.agents.create(admin, "gone", owner="grace", users=[], connections=[])
        await at.gateway.agents.disable(admin, "gone")
        assert await notices.round() == 2
        assert there.got == []
    assert {one.state for one in await at.every(Notice)} == {NoticeState.DROPPED}


async def test_mail_goes_to_the_person_where_the_address_is_known(at: Stage) -> None:
    """The one the identity provider verified; without one it goes to those that the settings name."""
    mails: list[str] = []
    admin = await at.principal("admin")
    (grace,) = await at.every(User, name="grace")
    async with mail_server(mails) as port:
        mail = Mail("127.0.0.1", port, "none", "s@example.com", ("all@example.com",), Egress(True))
        notices = await told_by(at, {"mail": mail})
        await agent(at, owner="ada")
        await at.gateway.agent_users.allow(admin, "shared", "grace")
        await notices.round()
        await at.gateway.agent_users.disallow(admin, "shared", "grace")

        async def known(unit: UnitOfWork) -> None:
            await unit.change(grace, claims={"email": "grace@example.com"})

        await at.gateway.deps.journal.write(known)
        await at.gateway.agent_users.allow(admin, "shared", "grace")
        await notices.round()
    read: list[Any] = [email.message_from_string(one, policy=policy.default) for one in mails]
    assert [one["To"] for one in read] == ["all@example.com", "grace@example.com"]
    assert all("skipass agent disallow shared" in one.get_content() for one in read)


ODD = [None, 7, "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "<a@b.c>", "a b@c.d", "", "x" * 300 + "@b.c"]


@pytest.mark.parametrize("given", ODD)
async def test_what_is_no_plain_address_is_nobody_s(at: Stage, given: object) -> None:
    """A claim that would name two people, or a header, names nobody."""
    (grace,) = await at.every(User, name="grace")
    assert address_of(replace(grace, claims={"email": given})) == ()


async def test_a_person_s_mcp_client_is_nobody_else_s(at: Stage) -> None:
    """An agent that is somebody's MCP client acts for them alone, whatever an admin says."""
    await agent(at)
    (client,) = await at.every(Agent, name="shared")
    await at.gateway.deps.journal.write(lambda unit: unit.change(client, client_id="cli_1"))
    with pytest.raises(SkipassError) as refused:
        await at.gateway.agent_users.allow(await at.principal("admin"), "shared", "grace")
    assert refused.value.code == "invalid_request"
