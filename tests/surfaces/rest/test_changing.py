"""Connections that change while they are in use: what is told, what ends, and what goes on."""

from __future__ import annotations

from typing import Any

import pytest

from surfaces.rest.house import House, Told, fresh, new_connection

pytestmark = pytest.mark.anyio
SERVICE = "AGENT_ROLE"


async def made(at: House, **members: Any) -> str:
    """Register a connection with a place of its own and return its name."""
    name = fresh("con")
    body = {**new_connection(at, name), "database": "OPS_DB", "schema": "OPS", **members}
    assert (await at.post("/connections", body)).status == 201
    return name


async def change(at: House, name: str, **members: Any) -> Told:
    return await at.post(f"/connections/{name}/change", members)


async def told(at: House, kind: str, connection: str) -> list[dict[str, Any]]:
    """Return what the record holds of one kind about one connection."""
    known = (await at.get(f"/connections/{connection}")).body["id"]
    return [one["body"] for one in await at.record() if (one["kind"], one["subject"]) == (kind, known)]


async def test_only_what_is_named_changes(at: House) -> None:
    """Members that are left out stay, null empties a default, and one event says before and after of what differs."""
    name = await made(at)
    changed = (await change(at, name, schema=None, policy={"idle_s": 60})).body
    assert (changed["database"], changed["schema"], changed["warehouse"]) == ("OPS_DB", None, "AGENT_WH")
    assert changed["policy"]["idle_s"] == 60
    (event,) = await told(at, "connection.changed", name)
    assert (event["before"]["schema"], event["after"]["schema"]) == ("OPS", None)
    assert set(event["after"]) == {"schema", "policy"}


async def test_what_is_the_same_already_is_no_change(at: House) -> None:
    """Asking for what is there leaves no event, however often."""
    name = await made(at)
    for _ in range(2):
        assert (await change(at, name, warehouse="AGENT_WH", verify_end_users=True)).status == 200
    assert await told(at, "connection.changed", name) == []


async def test_a_dry_run_changes_nothing(at: House) -> None:
    """With `dry_run` the answer is what would be, faults are told, and the connection stays as it was."""
    name = await made(at)
    assert (await change(at, name, warehouse=None, dry_run=True)).body["warehouse"] is None
    assert (await change(at, name, policy={"nonsense": 1}, dry_run=True)).code == "invalid_request"
    assert (await at.get(f"/connections/{name}")).body["warehouse"] == "AGENT_WH"


async def test_an_open_session_goes_on_under_what_changed(at: House) -> None:
    """A changed limit does not end a session, and the next statement is decided under the new one."""
    name = await made(at)
    agent = await at.agent(connections=[name])
    session_id = await at.session(agent, connection=name)
    wish = {"session_id": session_id, "connection_name": name, "tool_input": {"statement": "SELECT 1"}}
    assert (await change(at, name, policy={"statement_timeout_s": 7})).status == 200
    told = await at.post("/tools/snowflake_execute_query/execute", wish, who=agent)
    assert told.body["status"] == "success"
    sent = [one for one in await at.record() if one["kind"] == "statement.admitted"]
    assert [one["body"]["timeout_s"] for one in sent if one["session_id"] == session_id] == [7]


async def test_sessions_in_a_role_that_is_gone_end(at: House) -> None:
    """Once a role is not allowed any more, its sessions close, what they hold is withdrawn, and others go on."""
    name = await made(at, allowed_roles=["PUBLIC"])
    agent = await at.agent(connections=[name])
    going = await at.session(agent, connection=name)
    staying = await at.session(agent, connection=name, scope={"schemas": ["OPS_DB.OPS"], "role": "PUBLIC"})
    statement = {"statement": "UPDATE ops.orders SET note = 'x' WHERE order_id = 1003"}
    wish = {"session_id": going, "connection_name": name, "tool_input": statement}
    held = (await at.post("/tools/snowflake_execute_query/execute", wish, who=agent)).body
    assert held["status"] == "approval_required"
    assert (await change(at, name, role="PUBLIC", allowed_roles=[])).status == 200
    ended = (await at.get(f"/sessions/{going}")).body
    assert (ended["state"] in ("closing", "closed"), ended["end_reason"]) == (True, "revoked")
    assert (await at.get(f"/approvals/{held['approval']['id']}")).body["approval"]["state"] == "withdrawn"
    assert (await at.get(f"/sessions/{staying}")).body["state"] == "open"
    wanted = {"schemas": ["OPS_DB.OPS"], "role": SERVICE}
    again = {"connection": name, "scope": wanted, "ttl_s": 60, "reason": "again"}
    assert (await at.post("/sessions", again, who=agent)).status >= 400


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"role": ""}, "invalid_request"),
        ({"account": "OTHER-ACCOUNT"}, "unknown_field"),
        ({"login_claim": "email"}, "invalid_request"),
        ({"probe_minutes": 5}, "invalid_request"),
        ({"policy": {"idle_s": -1}}, "invalid_request"),
    ],
)
async def test_what_a_connection_cannot_become_is_refused(at: House, members: dict[str, Any], code: str) -> None:
    """Another account, a setting of another method and a faulty limit are refused, and nothing is changed."""
    assert (await change(at, "jit", **members)).code == code
    assert await told(at, "connection.changed", "jit") == []


async def test_another_claim_as_login_ends_every_session(at: House) -> None:
    """On an issuer connection the claim decides who a user is: another claim is a change on record."""
    name = fresh("con")
    body = {"name": name, "auth": "external_oauth_issuer", "account": "SKIPASS-SANDBOX", "role": SERVICE}
    assert (await at.post("/connections", {**body, "host": at.stage.sandbox.url, "login_claim": "sub"})).status == 201
    assert (await change(at, name, login_claim="email", probe_minutes=30)).body["settings"] == {
        "login_claim": "email",
        "probe_minutes": 30,
    }
    (event,) = await told(at, "connection.changed", name)
    assert (event["before"]["login_claim"], event["after"]["login_claim"]) == ("sub", "email")


async def test_a_disabled_connection_can_be_enabled_again(at: House) -> None:
    """After enable sessions open again; those that ended stay ended, and enabling twice is one event."""
    name = await made(at)
    agent = await at.agent(connections=[name])
    ended = await at.session(agent, connection=name)
    await at.post(f"/connections/{name}/disable")
    for _ in range(2):
        assert (await at.post(f"/connections/{name}/enable")).body["state"] == "enabled"
    assert (await at.session(agent, connection=name)).startswith("ses_")
    assert (await at.get(f"/sessions/{ended}")).body["state"] in ("closing", "closed")
    assert len(await told(at, "connection.enabled", name)) == 1


async def test_a_connection_is_checked_before_it_is_registered(at: House) -> None:
    """The check says what is wrong, or that the name is taken, as an admin only, and stores nothing."""
    name = fresh("con")
    body = new_connection(at, name)
    assert (await at.post("/connections/check", body)).body == {"remarks": []}
    assert (await at.get(f"/connections/{name}")).code == "unknown_connection"
    assert (await at.post("/connections/check", {**body, "name": "jit"})).code == "conflict"
    assert (await at.post("/connections/check", {**body, "private_key": "x"})).code == "invalid_request"
    for who in ("agent", "member", "auditor", "approver"):
        assert (await at.post("/connections/check", body, who=who)).code == "forbidden"


async def test_a_host_is_another_name_of_the_same_account(at: House) -> None:
    """Its own, by whatever name, or this machine's: sessions end, the event says before and after, null goes back."""
    name = await made(at)
    here = at.stage.sandbox.url.replace("127.0.0.1", "localhost")
    changed = await change(at, name, host=here)
    assert (changed.status, changed.body["host"]) == (200, here)
    (event,) = await told(at, "connection.changed", name)
    assert (event["before"], event["after"]) == ({"host": at.stage.sandbox.url}, {"host": here})
    checks = (await at.post(f"/connections/{name}/test")).body
    assert checks["ok"], checks
    for typed, leads in (
        ("skipass-sandbox.privatelink.snowflakecomputing.com", "skipass-sandbox.privatelink.snowflakecomputing.com"),
        (None, "skipass-sandbox.snowflakecomputing.com"),
    ):
        assert (await change(at, name, host=typed)).body["host"] == f"https://{leads}"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("https://evil.example.com", "not a host of SKIPASS-SANDBOX"),
        ("skipass-other.snowflakecomputing.com", "not a host of SKIPASS-SANDBOX"),
        ("skipass-sandbox.snowflakecomputing.com.evil.example.com", "not a host of SKIPASS-SANDBOX"),
        ("skipass-sandbox.snowflakecomputing.com:8443", "not a host of SKIPASS-SANDBOX"),
        ("https://skipass-sandbox.snowflakecomputing.com@evil.example.com", "not of the form"),
        ("http://skipass-sandbox.snowflakecomputing.com", "Plain HTTP"),
        ("127.0.0.1:8085", "with http or https"),
        ("169.254.169.254", "does not connect"),
    ],
)
async def test_a_credential_goes_to_nobody_else(at: House, typed: str, said: str) -> None:
    """A host that could be anybody's is refused, and the connection leads where it did."""
    name = await made(at)
    refused = await change(at, name, host=typed)
    assert refused.code in ("invalid_request", "snowflake_misconfigured")
    assert said in refused.body["error"]["message"]
    assert (await at.get(f"/connections/{name}")).body["host"] == at.stage.sandbox.url


async def test_with_another_host_every_session_ends(at: House) -> None:
    """What was opened at the one is not continued at the other."""
    session = await at.session()
    await change(at, "jit", host=at.stage.sandbox.url.replace("127.0.0.1", "localhost"))
    assert (await at.get(f"/sessions/{session}")).body["state"] in ("closing", "closed")
    await change(at, "jit", host=at.stage.sandbox.url)


async def test_accounts_of_users_keep_their_host(at: House) -> None:
    """Each was connected at one, by a sign-in that held it to its account."""
    name = fresh("con")
    body = {"name": name, "role": "AGENT_ROLE", "auth": "pat", "per_user": True, "account": "SKIPASS-SANDBOX"}
    assert (await at.post("/connections", body)).status == 201
    assert (await change(at, name, host=at.stage.sandbox.url)).code == "invalid_request"


async def test_this_machine_is_dialled_by_the_scheme_that_is_named(at: House) -> None:
    """A bare loopback address could be either, and is refused with both ways to write it."""
    bare = {**new_connection(at, fresh("con")), "host": at.stage.sandbox.host}
    refused = await at.post("/connections", bare)
    assert (refused.code, f"http://{at.stage.sandbox.host}" in refused.body["error"]["hint"]) == (
        "invalid_request",
        True,
    )
