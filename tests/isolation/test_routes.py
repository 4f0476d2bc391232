"""Every REST route, asked by whoever must learn nothing: the same answer as for what does not exist, and no effect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isolation.estate import Estate, nothing_like, said
from skipass.surfaces.rest.app import framework
from skipass.surfaces.rest.openapi import document
from surfaces.rest.house import SETTINGS, fresh, new_connection
from surfaces.rest.table import TABLE, Row, an_account

pytestmark = pytest.mark.anyio
OURS = ("reporting-agent", "snowflake", "jit", "sam", "known")
NAMED = [row for row in TABLE if "{" in row.route]
BY_BODY = [row for row in TABLE if "{" not in row.route and row.body() and any(o in str(row.body()) for o in OURS)]
LISTS = [row for row in TABLE if row.route.startswith("GET ") and "{" not in row.route]
# Made anew for whoever asks, under a name of their own: nothing of another's is named in it.
MADE = {
    "POST /users",
    "POST /agents",
    "POST /mcp-clients",
    "POST /policies",
    "POST /policies/check",
    "POST /vault/rotate",
}
APART = {"POST /sign-in", "POST /sign-out", "POST /connections", "POST /connections/check"}
APART |= {"POST /connections/{name}/credential"}


def filled(row: Row, made: dict[str, str]) -> tuple[str, str]:
    method, _, path = row.route.partition(" ")
    return method, path.format(**made)


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.route)
async def test_what_is_another_tenants_does_not_exist(estate: Estate, row: Row) -> None:
    """Its admin, its agent and nobody at all get the answer that a made-up name gets, and nothing happens to it."""
    at = estate.house
    made = await row.needs(at) if row.needs else {}
    without = nothing_like(made)
    before = estate.facts()
    for who in ("stranger", "visitor", None):
        real, unreal = [await at.ask(*filled(row, names), body(row), who=who) for names in (made, without)]
        assert real.status >= 400
        assert said(real, *made.values()) == said(unreal, *without.values())
        assert await estate.leaked(real, *made.values()) == []
    assert estate.facts() == before


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.route)
async def test_what_is_another_users_does_not_exist(estate: Estate, row: Row) -> None:
    """A member without a role and another agent of the same tenant get the answer that a made-up name gets."""
    at = estate.house
    made = await row.needs(at) if row.needs else {}
    without = nothing_like(made)
    before = estate.facts()
    # What every member may do to an agent, which is to let it act for themself, is no secret from one.
    for who in ("other agent",) if row.expected[1] < 400 else ("colleague", "other agent"):
        real, unreal = [await at.ask(*filled(row, names), body(row), who=who) for names in (made, without)]
        assert real.status >= 400
        assert said(real, *made.values()) == said(unreal, *without.values())
    happened = [kind for kind, _ in estate.facts()[len(before) :]]
    assert set(happened) <= {"call.refused", "session.refused"}


@pytest.mark.parametrize("row", BY_BODY, ids=lambda row: row.route)
async def test_a_name_in_a_body_reaches_no_other_tenant(estate: Estate, row: Row) -> None:
    """Names of another tenant's people, agents and connections mean as much in a body as made-up ones."""
    at = estate.house
    if row.needs:
        await row.needs(at)
    method, path = filled(row, {})
    text = json.dumps(row.body())
    invented = {name: fresh("nothing") for name in OURS}
    before = estate.facts()
    for who in ("stranger", "visitor"):
        for name, other in invented.items():
            text = text.replace(f'"{name}"', f'"{other}"')
        real = await at.ask(method, path, row.body(), who=who)
        unreal = await at.ask(method, path, json.loads(text), who=who)
        assert said(real, *OURS) == said(unreal, *invented.values())
        assert await estate.leaked(real, json.dumps(row.body())) == []
    assert estate.facts() == before


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.route)
@pytest.mark.parametrize("who", ["stranger", "visitor"])
async def test_no_list_holds_anything_of_another_tenant(estate: Estate, row: Row, who: str) -> None:
    """Every list, and everything that says how things are, is of the caller's own tenant."""
    await estate.house.held()
    told = await estate.house.get(row.route.partition(" ")[2], who=who)
    assert await estate.leaked(told) == []


@pytest.mark.parametrize("path", ["/sessions", "/connected-accounts", "/agents", "/events"])
async def test_what_is_looked_for_would_be_found(estate: Estate, path: str) -> None:
    """The owner's own answers hold what the tests above look for in others'."""
    await estate.house.held()
    await an_account(estate.house)
    assert await estate.leaked(await estate.house.get(path)) != []


@pytest.mark.parametrize("row", [row for row in TABLE if row.route in MADE], ids=lambda row: row.route)
async def test_what_another_tenant_makes_is_its_own(estate: Estate, row: Row) -> None:
    """What another tenant's admin makes answers with nothing of ours, and changes nothing of ours."""
    before = estate.facts()
    told = await estate.house.ask(*filled(row, {}), body(row), who="stranger")
    assert await estate.leaked(told, json.dumps(row.body())) == []
    assert estate.facts() == before


@pytest.mark.parametrize("path", ["/connections", "/connections/check"])
async def test_a_connection_of_our_name_is_another_one(estate: Estate, path: str) -> None:
    """Another tenant that takes a name of ours changes nothing of ours and is told nothing of it."""
    before = estate.facts()
    told = await estate.house.post(path, new_connection(estate.house, "jit"), who="stranger")
    assert await estate.leaked(told) == []
    assert estate.facts() == before


@pytest.mark.parametrize("who", ["stranger", "visitor", "colleague", "other agent", None])
async def test_nobody_else_replaces_a_connections_credential(estate: Estate, who: str | None) -> None:
    """A key or token handed in for a connection of ours is refused like one for a made-up name."""
    before, invented = estate.facts(), fresh("nothing")
    names = ("jit", invented)
    real, unreal = [await estate.house.post(f"/connections/{n}/credential", {"token": "x"}, who=who) for n in names]
    assert real.status >= 400
    assert said(real, "jit") == said(unreal, invented)
    assert estate.facts() == before


async def test_signing_out_ends_the_callers_own_token_alone(estate: Estate) -> None:
    """Nobody's token but the one that is shown is ended, whoever shows it."""
    at = estate.house
    leaving, staying = await at.person("member"), await at.person("member")
    assert (await at.post("/sign-out", who=leaving)).status < 300
    assert (await at.get("/whoami", who=leaving)).status == 401
    assert (await at.get("/whoami", who=staying)).status == 200


async def test_a_link_signs_in_its_own_person_alone(estate: Estate) -> None:
    """The token says whose it is; a caller's credential beside it changes nothing."""
    at = estate.house
    name = fresh("guest")
    await at.post("/users", {"name": name, "roles": ["member"]}, who="stranger")
    link = (await at.post(f"/users/{name}/link", who="stranger")).body["token"]
    signed_in = await at.post("/sign-in", {"token": link}, who="admin")
    at.keys[name] = signed_in.body["token"]
    me = (await at.get("/whoami", who=name)).body
    assert name in str(me)
    assert await estate.leaked(await at.get("/whoami", who=name)) == []


async def test_every_documented_route_is_asked_here(estate: Estate) -> None:
    """A route that none of the tests above asks is not isolated until somebody has shown it."""
    paths = document(framework(estate.house.stage.gateway, SETTINGS))["paths"]
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in paths.items()
        for method in operations
    }
    asked = {row.route.replace("snowflake_execute_query", "{tool_name}") for row in (*NAMED, *BY_BODY, *LISTS)}
    assert documented == asked | MADE | APART


def body(row: Row) -> Any:
    return None if row.route.startswith("GET ") else row.body()
