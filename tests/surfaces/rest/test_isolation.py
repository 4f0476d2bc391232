"""Ids carry no authority: what belongs to another agent or another tenant is not there."""

from __future__ import annotations

import pytest

from surfaces.rest.house import House
from surfaces.rest.table import TABLE, Row

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def things(at: House) -> dict[str, str]:
    await at.stranger()
    session_id, envelope = await at.held()
    return {
        "session_id": session_id,
        "approval_id": envelope["approval"]["id"],
        "handle": envelope["statementHandle"],
        "other": await at.agent(owner="sam"),
    }


OWNED = [row for row in TABLE if "{session_id}" in row.route or "{approval_id}" in row.route]


@pytest.mark.parametrize("row", OWNED, ids=lambda row: row.route)
async def test_another_tenants_admin_finds_nothing(at: House, things: dict[str, str], row: Row) -> None:
    """Every route with an id answers not_found to an admin of another tenant."""
    method, _, path = row.route.partition(" ")
    told = await at.ask(method, path.format(**things), row.body(), who="stranger")
    assert (told.status, told.code) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/users/sam/link",
        "/users/sam/disable",
        "/agents/reporting-agent/rotate",
        "/agents/reporting-agent/disable",
        "/connections/jit/test",
        "/connections/jit/disable",
        "/mcp-servers/jit/disable",
    ],
)
async def test_another_tenants_names_do_not_exist(at: House, things: dict[str, str], path: str) -> None:
    """Administration by name reaches the caller's own tenant only."""
    told = await at.post(path, who="stranger")
    assert told.status == 404


@pytest.mark.parametrize(
    "path", ["/sessions", "/approvals", "/users", "/agents", "/connections", "/mcp-servers", "/events"]
)
async def test_another_tenants_lists_hold_its_own(at: House, things: dict[str, str], path: str) -> None:
    """No list of another tenant holds anything of the first."""
    told = str((await at.get(path, who="stranger")).body)
    for foreign in ("OPS_DB", "reporting-agent", "'sam'", "jit", things["session_id"]):
        assert foreign not in told


@pytest.mark.parametrize("row", OWNED, ids=lambda row: row.route)
async def test_another_agent_of_the_same_user_finds_nothing(at: House, things: dict[str, str], row: Row) -> None:
    """An agent reaches neither sessions nor approvals of another agent, though both act for one user."""
    method, _, path = row.route.partition(" ")
    told = await at.ask(method, path.format(**things), row.body(), who=things["other"])
    # What no agent may do at all is forbidden before anything is looked up.
    people_only = path.endswith(("/approve", "/deny"))
    assert (told.status, told.code) == ((403, "forbidden") if people_only else (404, "not_found"))


@pytest.mark.parametrize("tool", ["snowflake_get_query_status", "snowflake_cancel_query"])
async def test_another_agents_handle_finds_nothing(at: House, things: dict[str, str], tool: str) -> None:
    """A statement handle answers only the principal of its session."""
    agent = await at.agent(owner="sam")
    wish = {"connection_name": "jit", "tool_input": {"statement_handle": things["handle"]}}
    envelope = (await at.post(f"/tools/{tool}/execute", wish, who=agent)).body
    assert (envelope["status"], envelope["code"]) == ("not_found", "not_found")


async def test_another_agents_session_runs_nothing(at: House, things: dict[str, str]) -> None:
    """A session id of another agent is no session for this one, and nothing is sent."""
    agent = await at.agent(owner="sam")
    envelope = await at.execute("SELECT 'foreign-session-probe'", things["session_id"], agent)
    assert envelope["code"] == "not_found"
    assert at.stage.sent("foreign-session-probe") == []
