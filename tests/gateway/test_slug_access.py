"""Who is let in at a slug: nobody until an admin says who, and nobody any longer once an admin says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways import Stage
from skipass.errors import SkipassError
from skipass.gateway.execute import Target
from skipass.gateway.groups import set_groups
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.slug_access import lets_in
from skipass.gateway.slug_names import Access
from skipass.gateway.standing import standing
from skipass.ids import new_id
from skipass.nouns.connection import Connection, McpServer, SlugSessions, Switch
from skipass.nouns.envelope import Envelope
from skipass.nouns.groups import MemberKind
from skipass.nouns.oauth import ClientKind, OAuthClient
from skipass.nouns.people import ActsFor, Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession, SessionState
from skipass.tools.call import CallContext
from skipass.tools.catalogue import CATALOGUE

pytestmark = pytest.mark.anyio

AT = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = "snowflake_execute_query"
COUNT = {"statement": "SELECT COUNT(*) FROM OPS_DB.OPS.TICKETS"}
PLACE = {"database": "OPS_DB", "schema": "OPS"}
NAMES = st.sampled_from(["a", "b", "c"])
SETS = st.lists(NAMES, max_size=3).map(tuple)


async def signed_in(at: Stage, person: str = "sam", client: str = "https://editor.example/client.json") -> Principal:
    """Return somebody's MCP client, as the authorization server leaves it behind."""

    async def add(unit: UnitOfWork) -> Principal:
        user = (await unit.find(User, name=person))[0]
        known = await unit.find(OAuthClient, client_id=client)
        made = OAuthClient(
            new_id("client", unit.now), user.tenant_id, ClientKind.DOCUMENT, client, "Editor", (), unit.now
        )
        if not known:
            await unit.insert(made)
        of = (known or [made])[0].id
        agent = Agent(
            new_id("agent", unit.now),
            user.tenant_id,
            f"Editor of {person} {of[-6:]}",
            user.id,
            ActsFor.OWNER,
            (),
            (),
            unit.now,
            client_id=of,
        )
        await unit.insert(agent)
        return Principal(
            user.tenant_id,
            "token",
            agent_id=agent.id,
            agent_name=agent.name,
            agent_version=1,
            user_id=user.id,
            user_name=user.name,
            user_version=user.version,
        )

    return await at.gateway.deps.journal.write(add)


async def fresh(at: Stage, who: Principal) -> Principal:
    """Return the principal as the next call would bring it."""
    (user,) = await at.every(User, id=who.user_id)
    return replace(who, user_version=user.version)


async def ask(at: Stage, who: Principal, slug: str, tool: str, arguments: Mapping[str, Any]) -> Envelope:
    """Return the envelope of a call by a slug."""
    context = CallContext(request_id="req_test")
    return await at.gateway.calls.call(await fresh(at, who), Target(slug=slug), tool, arguments, context)


async def opened(at: Stage, who: Principal, slug: str) -> str:
    """Open a session by a slug and return its id."""
    wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
    answer = await ask(at, who, slug, "skipass_request_session", wish)
    assert answer.status == "success", answer
    return answer.session_id or ""


async def add(at: Stage, slug: str, connection: str = "jit", **lists: Any) -> None:
    """Open a slug that lets in whom it names."""
    access = Access(
        put={name: value for name, value in lists.items() if name != "sessions"}, sessions=lists.get("sessions")
    )
    await at.gateway.servers.add(await at.principal("admin"), slug, connection, access)


async def change(at: Stage, slug: str, **access: Any) -> None:
    """Change who is let in at a slug."""
    await at.gateway.servers.change(await at.principal("admin"), slug, Access(**access))


async def refused(at: Stage, who: Principal, slug: str) -> str:
    """Return the code that a statement is refused with at a slug."""
    answer = await ask(at, who, slug, QUERY, COUNT)
    return str(answer.fields.get("code"))


@given(SETS, SETS, SETS, SETS, st.booleans(), st.booleans(), NAMES, NAMES, SETS)
def test_a_client_comes_in_only_for_a_person_who_is_named(
    users: tuple[str, ...],
    groups: tuple[str, ...],
    clients: tuple[str, ...],
    agents: tuple[str, ...],
    of_connection: bool,
    is_open: bool,
    owner: str,
    client: str,
    member_of: tuple[str, ...],
) -> None:
    """An MCP client is let in where the slug is open and names its person or a group of theirs, and not others only."""
    state = Switch.ENABLED if is_open else Switch.DISABLED
    server = McpServer("m", "t", "s", "con", AT, agents, state, None, of_connection, users, groups, clients)
    agent = Agent("a", "t", "x", owner, ActsFor.OWNER, (), ("con",), AT, client_id=client)
    named = owner in users or bool(set(groups) & set(member_of))
    assert lets_in(server, agent, member_of) is (is_open and named and (not clients or client in clients))
    assert not lets_in(server, replace(agent, tenant_id="other"), member_of)
    assert not lets_in(server, replace(agent, acts_for=ActsFor.USERS), member_of)


@given(SETS, st.booleans(), NAMES, SETS)
def test_a_key_needs_the_connection_and_the_slug(
    agents: tuple[str, ...], of_connection: bool, name: str, connections: tuple[str, ...]
) -> None:
    """An agent with a key is let in exactly where it may use the connection and the slug names it, or all such."""
    server = McpServer("m", "t", "s", "a", AT, agents, agents_of_connection=of_connection, users=(name,), groups=("g",))
    agent = Agent(name, "t", "x", name, ActsFor.OWNER, (), connections, AT)
    assert lets_in(server, agent, ("g",)) is ("a" in connections and (of_connection or name in agents))


async def test_a_new_slug_lets_nobody_in(at: Stage) -> None:
    """An agent with the connection and its owner's client stay out of a slug that names nobody; then it names them."""
    await add(at, "quiet")
    agent, client = await at.principal("agent"), await signed_in(at)
    assert [await refused(at, who, "quiet") for who in (agent, client)] == ["not_found", "not_found"]
    await change(at, "quiet", add={"agents": ["reporting-agent"], "users": ["sam"]})
    assert [await refused(at, who, "quiet") for who in (agent, client)] == ["session_required", "session_required"]


async def test_a_connections_own_slug_takes_its_agents_and_no_client(at: Stage) -> None:
    """The slug that a connection opens lets in the agents of the connection, and nobody's MCP client."""
    assert await refused(at, await at.principal("agent"), "jit") == "session_required"
    assert await refused(at, await signed_in(at), "jit") == "not_found"


async def test_a_client_works_by_its_slug_alone(at: Stage) -> None:
    """The slug itself gives the connection: by its name there is none, and at another slug there is no door."""
    await add(at, "team", users=["sam"])
    await add(at, "others", users=["grace"])
    client = await signed_in(at)
    await opened(at, client, "team")
    assert (await ask(at, client, "team", QUERY, COUNT)).status == "success"
    assert await refused(at, client, "others") == "not_found"
    for name in ("snowflake", "nowhere"):
        with pytest.raises(SkipassError) as told:
            await standing(at.gateway.deps, await fresh(at, client), name=name)
        assert told.value.code == "unknown_connection"


async def test_a_group_lets_its_people_in_until_they_leave(at: Stage) -> None:
    """Out of the group the next call finds no door, the session has ended, and the earlier handle answers no more."""
    admin = await at.principal("admin")
    await at.gateway.groups.add(admin, "analysts", kind=MemberKind.USER, member="sam")
    await add(at, "team", groups=["analysts"])
    client = await signed_in(at)
    session = await opened(at, client, "team")
    handle = (await ask(at, client, "team", QUERY, COUNT)).fields["statementHandle"]
    await at.gateway.groups.remove(admin, "analysts", kind=MemberKind.USER, member="sam")
    (kept,) = await at.every(AccessSession, id=session)
    assert kept.state in (SessionState.CLOSING, SessionState.CLOSED)
    assert kept.end_reason == "revoked"
    for tool, arguments in (
        (QUERY, COUNT),
        ("snowflake_get_query_status", {"statement_handle": handle}),
        ("skipass_show_session", {"session_id": session}),
        ("skipass_extend_session", {"session_id": session, "ttl_s": 60, "reason": "more"}),
    ):
        assert (await ask(at, client, "team", tool, arguments)).fields["code"] == "not_found"
    with pytest.raises(SkipassError) as told:
        await at.gateway.sessions.extend(await fresh(at, client), session, _more())
    assert told.value.code in ("expired", "conflict", "unknown_connection")


def _more() -> Any:
    from skipass.gateway.sessions import Extension

    return Extension(60, "more")


async def test_a_sign_in_that_moves_somebody_between_groups_ends_nothing(at: Stage) -> None:
    """From one group that is let in to another in one sign-in keeps the session; out of both ends it."""
    await add(at, "team", groups=["blue", "red"])
    client = await signed_in(at)

    async def groups(unit: UnitOfWork, *names: str) -> None:
        await set_groups(unit, (await unit.find(User, id=client.user_id))[0], names, "idp")

    journal = at.gateway.deps.journal
    await journal.write(lambda unit: groups(unit, "blue"))
    session = await opened(at, client, "team")
    await journal.write(lambda unit: groups(unit, "red"))
    assert (await at.every(AccessSession, id=session))[0].state is SessionState.OPEN
    assert (await ask(at, client, "team", QUERY, COUNT)).status == "success"
    await journal.write(lambda unit: groups(unit, "green"))
    assert (await at.every(AccessSession, id=session))[0].state is not SessionState.OPEN


@pytest.mark.parametrize("end", ["remove", "disable", "clients"])
async def test_what_shuts_a_client_out_ends_its_sessions(at: Stage, end: str) -> None:
    """A person off the list, a closed slug, other clients only: each ends what the client has open, no agent's."""
    await add(at, "team", users=["sam", "grace"], agents=["reporting-agent"])
    client, other = await signed_in(at), await signed_in(at, client="https://other.example/client.json")
    agent = await at.principal("agent")
    session, kept = await opened(at, client, "team"), await opened(at, agent, "team")
    waiting = await ask(at, client, "team", QUERY, {"statement": "DELETE FROM OPS_DB.OPS.TICKETS"})
    assert waiting.status == "approval_required"
    if end == "remove":
        await change(at, "team", remove={"users": ["sam"]})
    elif end == "disable":
        await at.gateway.servers.disable(await at.principal("admin"), "team")
    else:
        await change(at, "team", put={"clients": ["https://other.example/client.json"]})
        assert await refused(at, other, "team") == "session_required"
    assert (await at.every(AccessSession, id=session))[0].end_reason == "revoked"
    assert (await at.every(AccessSession, id=kept))[0].state is SessionState.OPEN
    with pytest.raises(SkipassError) as told:
        await at.decide(waiting)
    assert told.value.code in ("conflict", "already_decided", "withdrawn", "not_found")
    assert at.sent("DELETE FROM") == []


async def test_a_second_slug_keeps_what_is_open(at: Stage) -> None:
    """Whoever another slug over the same connection lets in keeps the session when the first one closes."""
    await add(at, "team", users=["sam"])
    await add(at, "spare", users=["sam"])
    client = await signed_in(at)
    session = await opened(at, client, "team")
    await at.gateway.servers.disable(await at.principal("admin"), "team")
    assert (await at.every(AccessSession, id=session))[0].state is SessionState.OPEN
    assert (await ask(at, client, "spare", QUERY, COUNT)).status == "success"
    assert await refused(at, client, "team") == "not_found"


async def test_a_closed_slug_opens_again_to_whom_it_let_in(at: Stage) -> None:
    """Enabling lets the same people in; what ended when it was disabled stays ended."""
    await add(at, "team", users=["sam"])
    client, admin = await signed_in(at), await at.principal("admin")
    await opened(at, client, "team")
    await at.gateway.servers.disable(admin, "team")
    await at.gateway.servers.disable(admin, "team")
    shown = await at.gateway.servers.enable(admin, "team")
    assert shown.names["users"] == ["sam"]
    assert await refused(at, client, "team") == "session_required"
    assert len(await at.recorded("mcp_server.disabled")) == len(await at.recorded("mcp_server.enabled")) == 1


async def test_a_decision_made_before_the_door_closed_admits_nothing(
    at: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person taken off the list while their statement is judged: it is refused, and never reaches Snowflake."""
    await add(at, "team", users=["sam"])
    client = await signed_in(at)
    await opened(at, client, "team")
    guard, check = type(at.gateway.deps.guard), type(at.gateway.deps.guard).check
    gone: list[bool] = []

    async def slow(self: Any, *given: Any, **named: Any) -> Any:
        verdict = await check(self, *given, **named)
        if not gone:
            gone.append(True)
            await change(at, "team", remove={"users": ["sam"]})
        return verdict

    monkeypatch.setattr(guard, "check", slow)
    answer = await ask(at, client, "team", QUERY, {"statement": "SELECT 4711 FROM OPS_DB.OPS.TICKETS"})
    assert gone
    assert answer.status in ("not_found", "expired")
    assert at.sent("4711") == []


async def test_an_agent_taken_off_the_list_meanwhile_is_not_admitted(
    at: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slug is read again in the transaction that admits, also for an agent that keeps the connection."""
    await add(at, "team", agents=["reporting-agent"])
    agent = await at.principal("agent")
    await opened(at, agent, "team")
    guard, check = type(at.gateway.deps.guard), type(at.gateway.deps.guard).check
    gone: list[bool] = []

    async def slow(self: Any, *given: Any, **named: Any) -> Any:
        verdict = await check(self, *given, **named)
        if not gone:
            gone.append(True)
            await change(at, "team", remove={"agents": ["reporting-agent"]})
        return verdict

    monkeypatch.setattr(guard, "check", slow)
    answer = await ask(at, agent, "team", QUERY, {"statement": "SELECT 4712 FROM OPS_DB.OPS.TICKETS"})
    assert (answer.status, answer.fields["code"]) == ("not_found", "not_found")
    assert at.sent("4712") == []


async def test_one_slug_reads_nothing_of_another(at: Stage) -> None:
    """Sessions and statements of another connection are not there by a slug, also where they are the same agent's."""
    await add(at, "team", users=["sam"])
    await add(at, "other", "snowflake", users=["sam"])
    client = await signed_in(at)
    session = await opened(at, client, "other")
    handle = (await ask(at, client, "other", QUERY, COUNT)).fields["statementHandle"]
    for tool, arguments in (
        ("snowflake_get_query_status", {"statement_handle": handle}),
        ("snowflake_get_query_partition", {"statement_handle": handle, "partition": 0}),
        ("snowflake_cancel_query", {"statement_handle": handle}),
        ("skipass_show_session", {"session_id": session}),
        ("skipass_close_session", {"session_id": session}),
        ("skipass_extend_session", {"session_id": session, "ttl_s": 60, "reason": "more"}),
        ("skipass_query_history", {"session_id": session}),
    ):
        if tool in {spec.name for spec in CATALOGUE}:
            assert (await ask(at, client, "team", tool, arguments)).fields["code"] == "not_found", tool
    assert (
        await ask(at, client, "other", "snowflake_get_query_status", {"statement_handle": handle})
    ).status == "success"


async def test_tools_are_narrowed_in_the_list_and_at_the_call(at: Stage) -> None:
    """A slug with named tools lists and runs those; another one is refused there, though the agent has it elsewhere."""
    await add(at, "narrow", agents=["reporting-agent"], tools=[QUERY, "snowflake_get_query_status"])
    agent = await at.principal("agent")
    listed = await at.gateway.calls.list_tools(agent, "narrow")
    assert len(listed) == 2 < len(await at.gateway.calls.list_tools(agent, "jit"))
    with pytest.raises(SkipassError) as told:
        await ask(at, agent, "narrow", "snowflake_get_tables", PLACE)
    assert told.value.code == "unknown_tool"
    assert "snowflake_execute_query" in told.value.hint
    await at.session()
    assert (await ask(at, agent, "narrow", QUERY, COUNT)).status == "success"
    assert (await ask(at, agent, "jit", "snowflake_get_tables", PLACE)).status == "success"


async def test_an_explicit_slug_takes_no_automatic_session(at: Stage) -> None:
    """Where sessions are explicit none opens by itself, and one that another slug opened so serves no call."""
    await add(at, "strict", "snowflake", agents=["reporting-agent"], sessions=SlugSessions.EXPLICIT)
    agent = await at.principal("agent")
    assert await refused(at, agent, "strict") == "session_required"
    automatic = await ask(at, agent, "snowflake", QUERY, COUNT)
    assert automatic.status == "success"
    assert await refused(at, agent, "strict") == "session_required"
    by_id = await ask(at, agent, "strict", QUERY, {**COUNT, "session_id": automatic.session_id})
    assert by_id.fields["code"] == "not_found"
    await opened(at, agent, "strict")
    assert (await ask(at, agent, "strict", QUERY, COUNT)).status == "success"


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ({"users": ["nobody-here"]}, "not_found"),
        ({"agents": ["no-agent"]}, "not_found"),
        ({"clients": ["https://unknown.example"]}, "not_found"),
        ({"tools": ["snowflake_execute_qery"]}, "unknown_tool"),
        ({"groups": [" blank "]}, "invalid_request"),
        ({"groups": ["a\nb"]}, "invalid_request"),
        ({"groups": [f"g{number}" for number in range(501)]}, "invalid_request"),
    ],
)
async def test_a_name_that_is_nobodys_is_refused(at: Stage, lists: dict[str, list[str]], code: str) -> None:
    """What cannot be let in is refused when it is said, and no slug is there afterwards."""
    with pytest.raises(SkipassError) as told:
        await add(at, "team", **lists)
    assert told.value.code == code
    assert await at.every(McpServer, slug="team") == []


async def test_an_agent_without_the_connection_is_refused_with_the_command(at: Stage) -> None:
    """An agent that may not use the connection is refused with what would allow it; somebody's client is no agent."""
    admin = await at.principal("admin")
    await at.gateway.agents.create(admin, "narrow", owner="sam", users=[], connections=["snowflake"])
    with pytest.raises(SkipassError) as told:
        await add(at, "team", agents=["narrow"])
    assert told.value.code == "not_allowed"
    assert "skipass agent create NAME --connection jit" in told.value.hint
    client = await signed_in(at)
    with pytest.raises(SkipassError) as told:
        await add(at, "team", agents=[client.agent_name])
    assert told.value.code == "not_found"


async def test_a_change_says_who_and_what(at: Stage) -> None:
    """A change is one event with who came, who went and who said so; one that changes nothing writes none."""
    await add(at, "team", users=["sam"], groups=["blue"])
    await change(
        at, "team", add={"users": ["grace", "sam"]}, remove={"groups": ["blue"]}, sessions=SlugSessions.EXPLICIT
    )
    await change(at, "team", add={"users": ["grace"]}, sessions=SlugSessions.EXPLICIT)
    (record,) = await at.recorded("mcp_server.changed")
    people = {user.name: user.id for user in await at.every(User)}
    assert record.content() == {
        "users": {"added": [people["grace"]], "removed": []},
        "groups": {"added": [], "removed": ["blue"]},
        "sessions": "explicit",
        "by": people["ada"],
    }
    with pytest.raises(SkipassError) as told:
        await change(at, "team", remove={"users": ["ada"]})
    assert told.value.code == "not_found"


async def test_a_dry_run_changes_nothing(at: Stage) -> None:
    """It shows what the slug would become, and the slug and the record stay as they are."""
    await add(at, "team", users=["sam"])
    admin = await at.principal("admin")
    shown = await at.gateway.servers.change(admin, "team", Access(put={"users": ["grace"]}), dry_run=True)
    assert shown.names["users"] == ["grace"]
    assert (await at.gateway.servers.show(admin, "team")).names["users"] == ["sam"]
    assert await at.recorded("mcp_server.changed") == []


async def test_another_tenants_slug_lets_nobody_in(at: Stage) -> None:
    """A slug row of another tenant over this connection opens nothing for this tenant's client."""
    client = await signed_in(at)
    (connection,) = await at.every(Connection, name="jit")

    async def insert(unit: UnitOfWork) -> None:
        made = new_id("mcp_server", unit.now)
        users = (client.user_id or "",)
        await unit.insert(McpServer(made, "ten_other", "foreign", connection.id, unit.now, users=users))

    await at.gateway.deps.journal.write(insert)
    assert await refused(at, client, "foreign") == "not_found"
    with pytest.raises(SkipassError) as told:
        await standing(at.gateway.deps, await fresh(at, client), name="jit")
    assert told.value.code == "unknown_connection"
