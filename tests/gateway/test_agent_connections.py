"""An agent's connections and keys, changed later: what is given is used, what is taken ends at once."""

from __future__ import annotations

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.connection import Connection
from skipass.nouns.groups import MemberKind
from skipass.nouns.people import KeyUse, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, SessionState
from skipass.tools.call import CallContext

pytestmark = pytest.mark.anyio
WISH = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}


async def newcomer(at: Stage) -> str:
    """Register an agent of sam's without a connection and return its key."""
    admin = await at.principal("admin")
    _, keys = await at.gateway.agents.create(admin, "newcomer", owner="sam", users=[], connections=[])
    return keys.text.reveal()


async def asks(at: Stage, key: str) -> str | None:
    """Have the agent of this key ask for a session at the slug `jit`, and return its id, None where it is refused."""
    agent = await at.gateway.authenticator.authenticate(key)
    context = CallContext(request_id="req_test")
    called = await at.gateway.calls.call(agent, Target(slug="jit"), "skipass_request_session", WISH, context)
    return called.session_id


async def test_a_connection_is_given_and_taken(at: Stage) -> None:
    """Given it, the agent is let in at its slug; taken away, its session there ends and the slug is closed to it."""
    key, admin, change = await newcomer(at), await at.principal("admin"), at.gateway.agent_connections
    assert await asks(at, key) is None
    given = await change.give(admin, "newcomer", "jit")
    assert await change.give(admin, "newcomer", "jit") == given
    session_id = await asks(at, key)
    assert session_id is not None
    taken = await change.take(admin, "newcomer", "jit")
    assert taken.connections == ()
    assert await change.take(admin, "newcomer", "jit") == taken
    (session,) = await at.every(AccessSession, id=session_id)
    assert session.state is not SessionState.OPEN
    assert await asks(at, key) is None
    facts = [str(one.body) for one in await at.recorded("agent.changed")]
    (target,) = await at.every(Connection, name="jit")
    assert ["connection_added" in one for one in facts] == [True, False]
    assert all(target.id in one and str(admin.user_id) in one for one in facts)


async def test_only_an_admin_changes_them_and_only_what_there_is(at: Stage) -> None:
    """Others are refused whatever they name, and a name that is nobody's is told."""
    await newcomer(at)
    change = at.gateway.agent_connections
    for who in ("agent", "approver"):
        with pytest.raises(SkipassError) as refused:
            await change.give(await at.principal(who), "newcomer", "jit")
        assert refused.value.code == "forbidden"
    for agent, connection in (("nobody", "jit"), ("newcomer", "nowhere")):
        with pytest.raises(SkipassError) as unknown:
            await change.take(await at.principal("admin"), agent, connection)
        assert unknown.value.code == "not_found"


async def test_a_disabled_agent_is_let_in_again(at: Stage) -> None:
    """Its key works again; what was open when it was disabled stays over."""
    session_id, admin = await at.session(), await at.principal("admin")
    await at.gateway.agents.disable(admin, "reporting-agent")
    with pytest.raises(SkipassError):
        await at.principal("agent")
    await at.gateway.agents.enable(admin, "reporting-agent")
    assert (await at.principal("agent")).agent_name == "reporting-agent"
    (session,) = await at.every(AccessSession, id=session_id)
    assert session.state is not SessionState.OPEN
    await at.gateway.agents.enable(admin, "reporting-agent")
    assert len(await at.recorded("agent.enabled")) == 1


async def test_one_key_ends_and_the_others_go_on(at: Stage) -> None:
    """A revoked key is refused from then on; the agent's newer one is not, and a second time changes nothing."""
    old, admin, agents = await newcomer(at), await at.principal("admin"), at.gateway.agents
    _, keys = await agents.rotate(admin, "newcomer")
    prefix = old.split("_")[1]
    await agents.revoke_key(admin, "newcomer", prefix)
    await agents.revoke_key(admin, "newcomer", prefix)
    with pytest.raises(SkipassError) as ended:
        await at.gateway.authenticator.authenticate(old)
    assert ended.value.code == "unauthenticated"
    assert (await at.gateway.authenticator.authenticate(keys.text.reveal())).agent_name == "newcomer"
    assert len(await at.recorded("key.revoked")) == 1
    with pytest.raises(SkipassError) as other:
        await agents.revoke_key(admin, "reporting-agent", prefix)
    assert other.value.code == "not_found"


async def test_with_a_client_secret_end_its_tokens(at: Stage) -> None:
    """A token that was traded for the secret is refused once the secret is revoked."""
    admin = await at.principal("admin")
    made, keys = await at.gateway.agents.create(admin, "trader", owner="sam", users=[], connections=["jit"])
    granted = await at.gateway.tokens.by_secret(made.id, keys.client_secret)
    token = granted.text.reveal()
    assert (await at.gateway.authenticator.authenticate(token)).agent_name == "trader"
    await at.gateway.agents.revoke_key(admin, "trader", keys.client_secret.reveal().split("_")[1])
    with pytest.raises(SkipassError) as ended:
        await at.gateway.authenticator.authenticate(token)
    assert ended.value.code == "unauthenticated"
    assert (await at.gateway.authenticator.authenticate(keys.text.reveal())).agent_name == "trader"


async def test_an_agent_is_told_to_its_owner_and_to_those_who_see_all(at: Stage) -> None:
    """Its connections, groups and keys with their last use are there; for anybody else there is no such agent."""
    admin, gateway, agent = await at.principal("admin"), at.gateway, await at.principal("agent")
    await gateway.groups.add(admin, "reports", kind=MemberKind.AGENT, member="reporting-agent")
    await at.session()
    await settled(at)
    (sam,) = await at.every(User, name="sam")
    owner = Principal(sam.tenant_id, "test", user_id=sam.id, user_name="sam", roles=frozenset(sam.roles))
    for principal in (admin, await at.principal("approver"), owner):
        found = await gateway.agent_details.of(principal, agent.agent_id or "")
        assert (found.owner, list(found.groups)) == ("sam", ["reports"])
        assert "jit" in [one.name for one in found.connections]
        (key,) = [one for one in found.keys if one.key.use is KeyUse.AGENT]
        assert (key.live, key.seen_at is not None) == (True, True)
    mallory = await gateway.people.create(admin, "mallory", [Role.MEMBER])
    other = Principal(sam.tenant_id, "test", user_id=mallory.id, user_name="mallory", roles=frozenset({Role.MEMBER}))
    for who in (other, agent):
        with pytest.raises(SkipassError) as hidden:
            await gateway.agent_details.of(who, agent.agent_id or "")
        assert hidden.value.code == "not_found"


async def settled(at: Stage) -> None:
    """Return once everything that was queued for the journal before is in it."""

    async def nothing(unit: UnitOfWork) -> None:
        return None

    await at.gateway.deps.journal.write(nothing)
