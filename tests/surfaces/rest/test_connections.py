"""Connections over REST: what goes in, what never comes out, and what a test of one sees."""

from __future__ import annotations

import pytest

from surfaces.rest.house import House, fresh, new_connection

pytestmark = pytest.mark.anyio


async def test_a_private_key_never_comes_back(at: House) -> None:
    """Neither the answer, nor the list, nor the record shows any line of the key; the fingerprint is shown."""
    name = fresh("con")
    body = new_connection(at, name)
    answers = [await at.post("/connections", body), await at.get(f"/connections/{name}")]
    answers += [await at.get("/connections?limit=200"), await at.get("/events?limit=200")]
    told = "".join(str(answer.body) for answer in answers)
    assert not [line for line in body["private_key"].splitlines() if len(line) > 20 and line in told]
    assert answers[1].body["credential"]["fingerprint"].startswith("SHA256:")


async def test_a_connection_opens_its_slug(at: House) -> None:
    """Registering a connection also opens an MCP server of its name."""
    name = fresh("con")
    await at.post("/connections", new_connection(at, name))
    slugs = (await at.get("/mcp-servers?limit=200")).body["items"]
    assert [s["url"] for s in slugs if s["slug"] == name] == [f"{at.stage.gateway.deps.base_url}/{name}/mcp"]


async def test_a_test_says_what_it_saw(at: House) -> None:
    """The test of a working connection passes every check and says who it signed in as."""
    told = (await at.post("/connections/jit/test", {})).body
    assert told["ok"] is True
    checks = {check["name"]: check for check in told["checks"]}
    assert "SKIPASS_SVC" in checks["sign-in"]["seen"]
    assert checks["warehouse"]["ok"] is True


async def test_a_role_that_reaches_further_than_the_scope_is_told(at: House) -> None:
    """Held to a scope the test fails and names what is beyond it; without one it says so and does not fail."""
    unasked = {check["name"]: check for check in (await at.post("/connections/jit/test", {})).body["checks"]}
    assert unasked["grants"]["ok"] is None
    scope = {"schemas": ["ops_db.ops"], "access": "write"}
    told = (await at.post("/connections/jit/test", {"scope": scope})).body
    wall = next(check for check in told["checks"] if check["name"] == "grants")
    assert (told["ok"], wall["ok"]) == (False, False)
    assert "FINANCE_DB.HR" in wall["seen"]
    assert "OPS_DB.OPS by" not in wall["seen"]
    assert "REVOKE USAGE ON DATABASE FINANCE_DB FROM ROLE AGENT_ROLE;" in wall["fix"]
    read = (await at.post("/connections/jit/test", {"scope": {"schemas": ["OPS_DB.OPS"]}})).body["checks"][-1]
    assert "UPDATE on" in read["seen"]
    assert (await at.post("/connections/jit/test", {"scope": {"schemas": []}})).code == "invalid_scope"
    assert (await at.post("/connections/jit/test", {"scopes": 1})).code == "unknown_field"


async def test_what_the_role_lacks_is_told_with_its_grant(at: House) -> None:
    """A schema that is not the role's, or is not there, fails the test with the statement that would open it."""
    scope = {"schemas": ["OPS_DB.OPS", "OPS_DB.NOWHERE", "NO_DB.PUBLIC"]}
    told = (await at.post("/connections/jit/test", {"scope": scope})).body
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["reach"]["ok"] is False
    assert "GRANT USAGE ON SCHEMA OPS_DB.NOWHERE TO ROLE AGENT_ROLE;" in checks["reach"]["fix"]
    assert "GRANT USAGE ON DATABASE NO_DB TO ROLE AGENT_ROLE;" in checks["reach"]["fix"]
    assert "OPS_DB.OPS " not in checks["reach"]["fix"]
    whole = (await at.post("/connections/jit/test", {"scope": {"schemas": ["OPS_DB.OPS"], "access": "write"}})).body
    assert {check["name"]: check["ok"] for check in whole["checks"]}["reach"] is True


async def test_a_connection_of_users_is_tested_with_the_admin_s_own_account(at: House) -> None:
    """Where each user has an account and the admin has none, nothing is failed: it cannot be seen, and what to do."""
    name = fresh("con")
    body = {"name": name, "auth": "snowflake_oauth", "account": "SKIPASS-SANDBOX", "role": "AGENT_ROLE"}
    assert (await at.post("/connections", {**body, "host": at.stage.sandbox.url})).status == 201
    (check,) = (await at.post(f"/connections/{name}/test")).body["checks"]
    assert (check["name"], check["ok"]) == ("credential", None)
    assert f"skipass account link {name}" in check["fix"]


async def test_a_test_of_a_wrong_login_fails_with_the_fix(at: House) -> None:
    """A login that Snowflake refuses makes ok false and the failing check carries a hint."""
    name = fresh("con")
    await at.post("/connections", {**new_connection(at, name), "login": "NOBODY"})
    told = (await at.post(f"/connections/{name}/test")).body
    assert told["ok"] is False
    assert told["checks"][-1]["ok"] is False
    assert told["checks"][-1]["seen"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"private_key": "not a key"}, "invalid_request"),
        ({"account": "not an account!"}, "invalid_request"),
        ({"host": "http://example.com"}, "invalid_request"),
        ({"host": "https://169.254.169.254"}, "snowflake_misconfigured"),
        ({"policy": {"unheard_of": 1}}, "invalid_request"),
        ({"slug": "api"}, "invalid_request"),
    ],
)
async def test_a_bad_connection_is_refused_whole(at: House, change: dict[str, object], code: str) -> None:
    """What cannot work is refused with its reason and nothing of it is stored."""
    name = fresh("con")
    told = await at.post("/connections", {**new_connection(at, name), **change})
    assert told.code == code
    assert (await at.get(f"/connections/{name}")).code == "unknown_connection"


async def test_a_disabled_connection_admits_nothing(at: House) -> None:
    """After disable no session opens on the connection."""
    name = fresh("con")
    await at.post("/connections", new_connection(at, name))
    agent = await at.agent(connections=[name])
    assert (await at.session(agent, connection=name)).startswith("ses_")
    await at.post(f"/connections/{name}/disable")
    wish = {"connection": name, "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "again"}
    assert (await at.post("/sessions", wish, who=agent)).code == "unknown_connection"
