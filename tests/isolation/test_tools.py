"""Every tool, by REST and by MCP, with another's session, statement, connection and slug: as if there were none."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from isolation.estate import Estate, nothing_like, said
from skipass.tools.catalogue import CATALOGUE, ToolSpec
from skipass.tools.validate import validate
from surfaces.rest.house import Told, fresh, session_request

pytestmark = pytest.mark.anyio
WISH = session_request()
# What a tool cannot be called without, beside the ids that are the point here.
GIVEN: dict[str, Any] = {
    "scope": WISH["scope"],
    "ttl_s": 60,
    "reason": "a test",
    "statement": "SELECT order_id FROM ops.orders",
    "partition": 0,
    "object_type": "SCHEMAS",
    "database": "OPS_DB",
    "key_direction": "IMPORTED",
    "table_name": "ORDERS",
    "table": "ORDERS",
    "grant_view": "TO_ROLE",
    "role_name": "AGENT_ROLE",
    "object_name": "ORDERS",
}
OWNERS = {"session_id", "statement_handle"}
STRANGERS = ("stranger", "visitor")
NEIGHBOURS = ("colleague", "other agent")


def arguments(tool: ToolSpec, ids: dict[str, str]) -> dict[str, Any]:
    """Return what calls a tool on these ids; a field that is not known here has to be added, or nothing is shown."""
    schema = tool.input_schema
    needed = {name: GIVEN[name] for name in schema.get("required", ()) if name not in OWNERS}
    given = needed | {name: value for name, value in ids.items() if name in schema["properties"]}
    validate(tool.name, given)
    return given


@pytest.fixture(scope="module")
async def ours(estate: Estate) -> dict[str, str]:
    session_id, envelope = await estate.house.held()
    return {"session_id": session_id, "statement_handle": envelope["statementHandle"], "slug": "jit"}


async def by_rest(estate: Estate, who: str | None, tool: ToolSpec, ids: dict[str, str], connection: str) -> Told:
    wish: dict[str, Any] = {"tool_input": arguments(tool, ids), "connection_name": connection}
    if tool.name != "skipass_request_session":
        wish["session_id"] = ids["session_id"]
    return await estate.house.post(f"/tools/{tool.name}/execute", wish, who=who)


@pytest.mark.parametrize("tool", CATALOGUE, ids=lambda tool: tool.name)
async def test_another_tenants_session_is_none(estate: Estate, ours: dict[str, str], tool: ToolSpec) -> None:
    """With every id and the connection of another tenant a tool answers as with made-up ones, and sends nothing."""
    calls, before = len(estate.house.stage.sandbox.control.calls()), estate.facts()
    without, nowhere = nothing_like(ours), fresh("nothing")
    for who in STRANGERS:
        real = await by_rest(estate, who, tool, ours, "jit")
        unreal = await by_rest(estate, who, tool, without, nowhere)
        assert real.body.get("status") != "success"
        assert said(real, *ours.values(), "jit") == said(unreal, *without.values(), nowhere)
        assert await estate.leaked(real, *ours.values()) == []
    assert estate.facts() == before
    assert len(estate.house.stage.sandbox.control.calls()) == calls


@pytest.mark.parametrize("tool", CATALOGUE, ids=lambda tool: tool.name)
async def test_another_agents_session_is_none(estate: Estate, ours: dict[str, str], tool: ToolSpec) -> None:
    """An agent for the same user on the same connection, and a person, get the answer of made-up ids."""
    calls = len(estate.house.stage.sandbox.control.calls())
    without = nothing_like(ours)
    for who in NEIGHBOURS:
        real = await by_rest(estate, who, tool, ours, "jit")
        unreal = await by_rest(estate, who, tool, without, "jit")
        if tool.name == "skipass_request_session" and who == "other agent":
            assert real.body["session_id"] != ours["session_id"]
            await estate.house.post(f"/sessions/{real.body['session_id']}/close", who=who)
            continue
        assert real.body.get("status") != "success"
        assert said(real, *ours.values()) == said(unreal, *without.values())
    assert len(estate.house.stage.sandbox.control.calls()) == calls


async def by_mcp(front: str, key: str | None, method: str, slug: str, params: dict[str, Any]) -> Told:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    sent = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    sent |= {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession() as http, http.post(f"{front}/{slug}/mcp", json=message, headers=sent) as answer:
        text = await answer.text()
        return Told(answer.status, {}, json.loads(text) if text else None)


@pytest.mark.parametrize("tool", CATALOGUE, ids=lambda tool: tool.name)
async def test_another_tenants_slug_is_none(estate: Estate, front: str, ours: dict[str, str], tool: ToolSpec) -> None:
    """By MCP every tool of another tenant's slug answers as at a slug that nobody has."""
    before = estate.facts()
    for who in (*STRANGERS, "colleague", None):
        key = estate.house.keys[who] if who else None
        params = {"name": tool.name, "arguments": arguments(tool, ours)}
        real = await by_mcp(front, key, "tools/call", "jit", params)
        unreal = await by_mcp(front, key, "tools/call", "nobodys", params)
        assert said(real, "jit", "jit") == said(unreal, "nobodys", "jit")
        assert await estate.leaked(real, *ours.values()) == []
    kinds = [kind for kind, _ in estate.facts()[len(before) :]]
    assert set(kinds) <= {"session.refused", "statement.refused"}  # of our own colleague, who is no agent


@pytest.mark.parametrize("method", ["initialize", "tools/list", "server/discover", "ping"])
async def test_a_slug_of_another_tenant_says_nothing_of_itself(estate: Estate, front: str, method: str) -> None:
    """What a client asks before it calls anything is answered as at a slug that nobody has."""
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    for who in (*STRANGERS, None):
        key = estate.house.keys[who] if who else None
        real, unreal = [await by_mcp(front, key, method, slug, params) for slug in ("jit", "nobodys")]
        assert said(real, "jit") == said(unreal, "nobodys")
        assert await estate.leaked(real) == []


@pytest.mark.parametrize(
    "tool", [one for one in CATALOGUE if OWNERS & set(one.input_schema["properties"])], ids=lambda tool: tool.name
)
async def test_another_agents_ids_are_none_by_mcp(
    estate: Estate, front: str, ours: dict[str, str], tool: ToolSpec
) -> None:
    """At a slug that an agent may use, another agent's session and statement are as made-up ones."""
    without, key = nothing_like(ours), estate.house.keys["other agent"]
    real, unreal = [
        await by_mcp(front, key, "tools/call", "jit", {"name": tool.name, "arguments": arguments(tool, one)})
        for one in (ours, without)
    ]
    assert real.body.get("result", {}).get("structuredContent", {}).get("status") != "success"
    assert said(real, *ours.values()) == said(unreal, *without.values())
