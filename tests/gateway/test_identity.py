"""Who may do what for whom: other agents, other users, disabled things, people without the right."""

from __future__ import annotations

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.identity.keys import issue
from skipass.nouns.envelope import Status
from skipass.nouns.people import KeyUse, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, EndReason
from skipass.nouns.statement import Statement
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id FROM ops.orders WHERE status = 'pending'"


async def other_agent(at: Stage, *, users: list[str] | None = None, connections: list[str] | None = None) -> str:
    """Make a second agent and return its key."""
    _, issued = await at.gateway.agents.create(
        await at.principal("admin"), "second", owner="grace", users=users or [], connections=connections or ["jit"]
    )
    return issued.text.reveal()


async def as_(at: Stage, key: str, tool: str, identifier: str | None = None, **arguments: object):
    principal = await at.gateway.authenticator.authenticate(key, identifier=identifier)
    return await at.gateway.calls.call(principal, Target(slug="jit"), tool, arguments, CallContext("req_other"))


async def test_another_agents_session_is_not_found(at: Stage) -> None:
    """A session id is never authority: neither showing, using nor closing another agent's session works."""
    session = await at.session()
    key = await other_agent(at)
    for tool, arguments in (
        ("skipass_show_session", {"session_id": session}),
        ("skipass_close_session", {"session_id": session}),
        ("snowflake_execute_query", {"statement": PENDING, "session_id": session}),
    ):
        assert (await as_(at, key, tool, **arguments)).status is Status.NOT_FOUND
    assert at.sent("orders") == []


async def test_another_agents_handle_is_not_found(at: Stage) -> None:
    """Neither our handle nor Snowflake's answers anybody but its own principal."""
    await at.session()
    mine = await at.query(PENDING)
    assert mine.data is not None
    key = await other_agent(at)
    for handle in (mine.execution_id, mine.data["statementHandle"]):
        for tool, more in (
            ("snowflake_get_query_status", {}),
            ("snowflake_get_query_partition", {"partition": 0}),
            ("snowflake_cancel_query", {}),
        ):
            answer = await as_(at, key, tool, statement_handle=handle, **more)
            assert (answer.status, answer.data) == (Status.NOT_FOUND, None)


async def test_an_agent_acts_only_for_whom_it_was_named(at: Stage) -> None:
    """Another user's name is `not_your_user`, whether that user exists or not, and the refusal is on record."""
    for identifier in ("grace", "nobody"):
        with pytest.raises(SkipassError) as refused:
            await at.gateway.authenticator.authenticate(at.keys["agent"]["api_key"], identifier=identifier)
        assert refused.value.code == "not_your_user"


async def test_an_agent_of_several_users_must_say_which(at: Stage) -> None:
    """With more than one user a call without an identifier is refused, and each user has sessions of their own."""
    key = await other_agent(at, users=["sam", "ada"])
    with pytest.raises(SkipassError) as refused:
        await at.gateway.authenticator.authenticate(key)
    assert refused.value.code == "identifier_required"
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "r"}
    opened = await as_(at, key, "skipass_request_session", "sam", **wish)
    assert opened.status is Status.SUCCESS
    other = await as_(at, key, "snowflake_execute_query", "ada", statement=PENDING)
    assert other.status is Status.SESSION_REQUIRED
    stolen = await as_(at, key, "skipass_show_session", "ada", session_id=opened.session_id)
    assert stolen.status is Status.NOT_FOUND


@pytest.mark.parametrize("bearer", ["", "not-a-key", "skp_000000000000_wrong", "skp_zzz"])
async def test_a_wrong_key_is_refused_without_saying_what_was_wrong(at: Stage, bearer: str) -> None:
    """Whatever is not a valid key gets the same refusal."""
    with pytest.raises(SkipassError) as refused:
        await at.gateway.authenticator.authenticate(bearer)
    assert refused.value.code == "unauthenticated"
    assert bearer not in str(refused.value.as_dict()) or not bearer


async def test_a_disabled_agent_or_user_is_out_at_once(at: Stage) -> None:
    """Disabling an agent ends its keys; disabling the user acted for ends what is done for them."""
    admin = await at.principal("admin")
    key = await other_agent(at)
    await at.gateway.agents.disable(admin, "second")
    with pytest.raises(SkipassError):
        await at.gateway.authenticator.authenticate(key)
    agent = await at.principal("agent")
    await at.session()
    await at.gateway.people.disable(admin, "sam")
    with pytest.raises(SkipassError):
        await at.principal("agent")
    late = await at.gateway.calls.call(
        agent, Target(slug="jit"), "snowflake_execute_query", {"statement": PENDING}, CallContext("req_late")
    )
    assert late.status is not Status.SUCCESS
    assert at.sent("orders") == []


async def test_an_agent_uses_only_connections_it_was_given(at: Stage) -> None:
    """Nobody is let onto a connection by default."""
    key = await other_agent(at, connections=["snowflake"])
    answer = await as_(at, key, "snowflake_execute_query", statement=PENDING)
    assert answer.status in (Status.NOT_FOUND, Status.DENIED)
    assert at.sent("orders") == []


async def test_the_requester_the_owner_and_the_powerless_never_decide(at: Stage) -> None:
    """Whoever asked, owns the agent, or lacks the role is not eligible, whatever key they hold."""
    admin = await at.principal("admin")
    await at.gateway.people.create(admin, "mel", [Role.MEMBER])
    await at.session()
    held = await at.query("UPDATE ops.orders SET note = 'x' WHERE order_id = 1")
    for name in ("sam", "mel"):
        person = await _person(at, name)
        with pytest.raises(SkipassError) as refused:
            await at.gateway.approvals.decide(person, held.fields["approval"]["id"], approve=True, reason="r")
        assert refused.value.code == "not_eligible"


async def _person(at: Stage, name: str) -> Principal:
    (user,) = await at.every(User, name=name)
    return Principal(
        user.tenant_id, "test", user_id=user.id, user_name=name, roles=frozenset(user.roles), sandbox_decider=True
    )


async def test_a_login_token_never_decides(at: Stage) -> None:
    """A token that a coding agent could pick up from a shell cannot approve anything."""
    await at.session()
    held = await at.query("UPDATE ops.orders SET note = 'x' WHERE order_id = 1")
    (grace,) = await at.every(User, name="grace")
    issued = issue(grace.tenant_id, KeyUse.LOGIN, grace.id, at.gateway.deps.journal.now())

    async def keep(unit) -> None:
        await unit.insert(issued.key)

    await at.gateway.deps.journal.write(keep)
    principal = await at.gateway.authenticator.authenticate(issued.text.reveal())
    with pytest.raises(SkipassError) as refused:
        await at.gateway.approvals.decide(principal, held.fields["approval"]["id"], approve=True, reason="r")
    assert refused.value.code == "sign_in_required"


async def test_nobody_eligible_means_refused_at_once(at: Stage) -> None:
    """A write that nobody could decide is refused as `no_approver`, never held for ever."""
    admin = await at.principal("admin")
    await at.gateway.people.disable(admin, "grace")
    _, issued = await at.gateway.agents.create(admin, "third", owner="ada", users=[], connections=["jit"])
    key = issued.text.reveal()
    await as_(at, key, "skipass_request_session", scope={"schemas": ["OPS_DB.OPS"]}, ttl_s=60, reason="r")
    answer = await as_(at, key, "snowflake_execute_query", statement="DELETE FROM ops.orders WHERE order_id = 1")
    assert (answer.status, answer.fields["code"]) == (Status.DENIED, "no_approver")


async def test_a_one_time_link_signs_in_once(at: Stage) -> None:
    """A link works once, a newer one voids it, and a used one says so."""
    admin = await at.principal("admin")
    _, first = await at.gateway.people.link(admin, "grace")
    _, second = await at.gateway.people.link(admin, "grace")
    with pytest.raises(SkipassError) as void:
        await at.gateway.people.sign_in(first.reveal())
    assert void.value.code == "link_used"
    user, issued = await at.gateway.people.sign_in(second.reveal())
    assert user.name == "grace"
    assert (await at.gateway.authenticator.authenticate(issued.text.reveal())).user_name == "grace"
    with pytest.raises(SkipassError):
        await at.gateway.people.sign_in(second.reveal())


async def test_disabling_cuts_everything_in_one_go(at: Stage) -> None:
    """A disabled agent's open session ends, its held statement is withdrawn, and an approval of it comes too late."""
    session = await at.session()
    held = await at.query("UPDATE ops.orders SET note = 'x' WHERE order_id = 1")
    await at.gateway.agents.disable(await at.principal("admin"), "reporting-agent")
    (after,) = await at.every(AccessSession, id=session)
    assert (after.state.value, after.end_reason) in {("closing", EndReason.REVOKED), ("closed", EndReason.REVOKED)}
    (statement,) = await at.every(Statement, id=held.execution_id)
    assert statement.state.value == "withdrawn"
    with pytest.raises(SkipassError) as late:
        await at.decide(held)
    assert late.value.code == "conflict"
    assert at.sent("UPDATE") == []
