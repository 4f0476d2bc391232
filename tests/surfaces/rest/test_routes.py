"""Who may call what: every route, every sort of caller, one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from surfaces.rest.house import SETTINGS, House, fresh, session_request
from skipass.surfaces.rest.app import framework
from skipass.surfaces.rest.openapi import document

pytestmark = pytest.mark.anyio
CALLERS = ("agent", "member", "auditor", "approver", "admin")
EVERYBODY = (200, 200, 200, 200, 200)
WATCHERS = (403, 403, 200, 200, 200)
ADMINS = (403, 403, 403, 403, 200)
ADMINS_CREATE = (403, 403, 403, 403, 201)
SEEN = (200, 404, 200, 200, 200)
Made = dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A route, the status each of CALLERS gets, and what must exist before and be sent."""

    route: str
    expected: tuple[int, ...]
    body: Callable[[], Any] = lambda: None
    needs: Callable[[House], Awaitable[Made]] | None = None


async def a_session(at: House) -> Made:
    return {"session_id": await at.session()}


async def a_question(at: House) -> Made:
    return {"approval_id": (await at.held())[1]["approval"]["id"]}


async def a_user(at: House) -> Made:
    name = fresh("user")
    await at.post("/users", {"name": name, "roles": ["member"]})
    return {"name": name}


async def an_agent(at: House) -> Made:
    return {"name": await at.agent()}


async def a_connection(at: House) -> Made:
    name = fresh("con")
    assert (await at.post("/connections", new_connection(at, name))).status == 201
    return {"name": name, "slug": name}


async def the_connection(at: House) -> Made:
    return {"name": "jit"}


def new_connection(at: House, name: str) -> dict[str, Any]:
    service = at.stage.sandbox.users[-1]
    return {
        "name": name,
        "account": "SKIPASS-SANDBOX",
        "login": service.login_name,
        "role": service.default_role,
        "private_key": service.private_key_path.read_text(),
        "host": at.stage.sandbox.url,
        "warehouse": "AGENT_WH",
    }


QUERY = {"connection_name": "snowflake", "tool_input": {"statement": "SELECT 1"}}
TABLE = (
    Row("POST /sessions", (201, 403, 403, 403, 403), session_request),
    Row("GET /sessions", EVERYBODY),
    Row("GET /sessions/{session_id}", SEEN, needs=a_session),
    Row("POST /sessions/{session_id}/close", (200, 404, 403, 200, 200), needs=a_session),
    Row("POST /sessions/{session_id}/revoke", (403, 404, 403, 200, 200), needs=a_session),
    Row("GET /sessions/{session_id}/record", SEEN, needs=a_session),
    Row("GET /tools", EVERYBODY),
    Row("POST /tools/snowflake_execute_query/execute", EVERYBODY, lambda: QUERY),
    Row("GET /approvals", EVERYBODY),
    Row("GET /approvals/{approval_id}", SEEN, needs=a_question),
    Row("POST /approvals/{approval_id}/approve", (403, 401, 401, 200, 200), lambda: {"reason": "yes"}, a_question),
    Row("POST /approvals/{approval_id}/deny", (403, 401, 401, 200, 200), lambda: {"reason": "no"}, a_question),
    Row("GET /events", (403, 403, 200, 403, 200)),
    Row("GET /whoami", EVERYBODY),
    Row("POST /users", ADMINS_CREATE, lambda: {"name": fresh("user"), "roles": ["member"]}),
    Row("GET /users", WATCHERS),
    Row("POST /users/{name}/link", ADMINS_CREATE, needs=a_user),
    Row("POST /users/{name}/disable", ADMINS, needs=a_user),
    Row("POST /agents", ADMINS_CREATE, lambda: {"name": fresh("agent")}),
    Row("GET /agents", WATCHERS),
    Row("POST /agents/{name}/rotate", ADMINS, needs=an_agent),
    Row("POST /agents/{name}/disable", ADMINS, needs=an_agent),
    Row("GET /connections", WATCHERS),
    Row("GET /connections/{name}", WATCHERS, needs=the_connection),
    Row("POST /connections/{name}/test", ADMINS, needs=the_connection),
    Row("POST /connections/{name}/disable", ADMINS, needs=a_connection),
    Row("POST /mcp-servers", ADMINS_CREATE, lambda: {"slug": fresh("slug"), "connection": "jit"}),
    Row("GET /mcp-servers", WATCHERS),
    Row("POST /mcp-servers/{slug}/disable", ADMINS, needs=a_connection),
)
# Proven apart: what ends or starts a caller's own credential, and the body that depends on the sandbox's address.
APART = {"POST /sign-in", "POST /sign-out", "POST /connections"}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.route)
async def test_each_caller_gets_what_its_role_allows(at: House, row: Row) -> None:
    """Nobody calls without a credential, and each sort of caller gets exactly the status the table says."""
    method, _, path = row.route.partition(" ")
    got = []
    for who in (None, *CALLERS):
        made = await row.needs(at) if row.needs else {}
        told = await at.ask(method, path.format(**made), row.body() if method == "POST" else None, who=who)
        got.append(told.status)
    assert got == [401, *row.expected]


@pytest.mark.parametrize(("who", "status"), [*zip(CALLERS, ADMINS_CREATE, strict=True)])
async def test_only_admins_register_connections(at: House, who: str, status: int) -> None:
    """A connection is registered by admins alone."""
    assert (await at.post("/connections", new_connection(at, fresh("con")), who=who)).status == status


async def test_an_agent_may_not_sign_out(at: House) -> None:
    """Sign-out is for people: an agent that calls it keeps its key."""
    refused = await at.post("/sign-out", who="agent")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await at.get("/whoami", who="agent")).status == 200


async def test_the_table_covers_every_documented_route(at: House) -> None:
    """No route is missing from the table above."""
    paths = document(framework(at.stage.gateway, SETTINGS))["paths"]
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1').replace('{name:path}', '{name}')}"
        for path, operations in paths.items()
        for method in operations
    }
    known = {row.route.replace("snowflake_execute_query", "{tool_name}") for row in TABLE}
    assert documented == known | APART


async def test_a_disabled_person_and_a_disabled_agent_are_nobody(at: House) -> None:
    """Disabling a person or an agent ends what their credentials opened."""
    person, agent = await at.person("admin"), await at.agent()
    await at.post(f"/users/{person}/disable")
    await at.post(f"/agents/{agent}/disable")
    for who in (person, agent):
        told = await at.get("/whoami", who=who)
        assert (told.status, told.code) == (401, "unauthenticated")
        assert "invalid_token" in told.headers["www-authenticate"]
