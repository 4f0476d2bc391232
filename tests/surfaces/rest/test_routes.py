"""Who may call what: every route, every sort of caller, one table."""

from __future__ import annotations

import pytest

from skipass.surfaces.rest.app import framework
from skipass.surfaces.rest.openapi import document
from surfaces.rest.house import SETTINGS, House, fresh, new_connection
from surfaces.rest.table import ADMINS_CREATE, APART, CALLERS, TABLE, Row

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.route)
async def test_each_caller_gets_what_its_role_allows(at: House, row: Row) -> None:
    """Nobody calls without a credential, and each sort of caller gets exactly the status the table says."""
    method, _, path = row.route.partition(" ")
    got = []
    for who in (None, *CALLERS):
        made = await row.needs(at) if row.needs else {}
        told = await at.ask(method, path.format(**made), row.body() if method != "GET" else None, who=who)
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
        f"{method.upper()} {path.removeprefix('/api/v1')}"
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
