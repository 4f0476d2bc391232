"""Signing in and out, and the administration of people and agents."""

from __future__ import annotations

import pytest

from skipass.tools.catalogue import CATALOGUE
from surfaces.rest.house import House, fresh

pytestmark = pytest.mark.anyio


async def test_a_link_signs_in_once(at: House) -> None:
    """A one-time link gives one token, which says who it is; the same link is then used up."""
    name = fresh("dana")
    await at.post("/users", {"name": name, "roles": ["auditor", "member"]})
    link = (await at.post(f"/users/{name}/link")).body
    assert link["url"].endswith(f"/sign-in#{link['token']}")
    signed_in = await at.post("/sign-in", {"token": link["token"]}, who=None)
    assert signed_in.status == 201
    at.keys[name] = signed_in.body["token"]
    who = (await at.get("/whoami", who=name)).body
    assert (who["kind"], who["name"], who["roles"]) == ("user", name, ["auditor", "member"])
    again = await at.post("/sign-in", {"token": link["token"]}, who=None)
    assert (again.status, again.code) == (401, "link_used")


async def test_a_newer_link_voids_the_older(at: House) -> None:
    """Of two links of one person only the newer signs in."""
    name = fresh("dana")
    await at.post("/users", {"name": name, "roles": ["member"]})
    older, newer = [(await at.post(f"/users/{name}/link")).body["token"] for _ in range(2)]
    assert (await at.post("/sign-in", {"token": older}, who=None)).code == "link_used"
    assert (await at.post("/sign-in", {"token": newer}, who=None)).status == 201


async def test_signing_out_ends_the_token(at: House) -> None:
    """After sign-out the token is refused."""
    person = await at.person("member")
    assert (await at.post("/sign-out", who=person)).status == 204
    assert (await at.get("/whoami", who=person)).code == "unauthenticated"


async def test_an_agent_says_for_whom_it_acts(at: House) -> None:
    """whoami of an agent names the agent, the user acted for, and no roles."""
    told = (await at.get("/whoami", who="agent")).body
    assert (told["kind"], told["name"], told["user"]["name"], told["roles"]) == ("agent", "reporting-agent", "sam", [])


async def test_an_agent_of_several_users_names_one(at: House) -> None:
    """Without an identifier such an agent is asked for one; with a foreign one it is refused; header names the user."""
    people = [await at.person("member") for _ in range(2)]
    agent = await at.agent(users=people)
    assert (await at.get("/whoami", who=agent)).code == "identifier_required"
    named = await at.get("/whoami", who=agent, headers={"Skipass-Identifier": people[1]})
    assert named.body["user"]["name"] == people[1]
    foreign = await at.get("/whoami", who=agent, headers={"Skipass-Identifier": "grace"})
    assert (foreign.status, foreign.code) == (403, "not_your_user")


async def test_the_tools_are_listed_for_nobody_in_particular(at: House) -> None:
    """An agent of several users or of end users lists the tools without naming one, and still cannot name another."""
    people = [await at.person("member") for _ in range(2)]
    for agent in (await at.agent(users=people), await at.agent(end_users=True)):
        listed = await at.get("/tools?limit=200", who=agent)
        assert [one["name"] for one in listed.body["items"]] == [spec.name for spec in CATALOGUE]
        foreign = await at.get("/tools", who=agent, headers={"Skipass-Identifier": "grace"})
        assert (foreign.status, foreign.code) == (403, "not_your_user")
        await at.post(f"/agents/{agent}/disable")
        assert (await at.get("/tools", who=agent)).code == "unauthenticated"


async def test_a_key_is_shown_once_and_rotation_overlaps(at: House) -> None:
    """Rotation answers a second key that works beside the first; no list shows either."""
    agent = await at.agent()
    rotated = (await at.post(f"/agents/{agent}/rotate")).body
    first, at.keys["rotated"] = at.keys[agent], rotated["api_key"]
    assert first != rotated["api_key"]
    for who in (agent, "rotated"):
        assert (await at.get("/whoami", who=who)).body["name"] == agent
    listed = str((await at.get("/agents?limit=200")).body)
    assert agent in listed
    assert first not in listed
    assert rotated["api_key"] not in listed


async def test_an_agent_with_a_slash_in_its_name_is_reached(at: House) -> None:
    """A name is one path segment however it is encoded."""
    name = f"team/{fresh('agent')}"
    assert (await at.post("/agents", {"name": name})).status == 201
    told = await at.post(f"/agents/{name.replace('/', '%2F')}/disable")
    assert (told.status, told.body["name"], told.body["state"]) == (200, name, "disabled")


@pytest.mark.parametrize(
    ("path", "stem", "body", "key"),
    [
        ("/users", "page", {"roles": ["member"]}, "name"),
        ("/agents", "page", {}, "name"),
        ("/mcp-servers", "page", {"connection": "jit"}, "slug"),
    ],
)
async def test_lists_of_names_page_in_order(at: House, path: str, stem: str, body: dict[str, object], key: str) -> None:
    """Following next_cursor visits every item of a list once, in order."""
    made = [fresh(stem) for _ in range(3)]
    for name in made:
        assert (await at.post(path, {**body, key: name})).status == 201
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        told = (await at.get(f"{path}?limit=2{cursor and f'&cursor={cursor}'}")).body
        assert len(told["items"]) <= 2
        names += [item[key] for item in told["items"]]
        cursor = told["next_cursor"]
    assert names == sorted(set(names))
    assert set(made) <= set(names)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/users/nobody/link", "not_found"),
        ("/users/nobody/disable", "not_found"),
        ("/agents/nobody/rotate", "not_found"),
        ("/agents/nobody/disable", "not_found"),
        ("/connections/nothing/test", "unknown_connection"),
        ("/connections/nothing/disable", "unknown_connection"),
        ("/mcp-servers/nothing/disable", "not_found"),
    ],
)
async def test_what_does_not_exist_is_not_found(at: House, path: str, code: str) -> None:
    """Administration of a name that does not exist answers 404."""
    told = await at.post(path)
    assert (told.status, told.code) == (404, code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users", {"name": "ada", "roles": ["member"]}),
        ("/agents", {"name": "reporting-agent"}),
        ("/mcp-servers", {"slug": "jit", "connection": "jit"}),
    ],
)
async def test_a_name_is_taken_once(at: House, path: str, body: dict[str, object]) -> None:
    """A name that exists answers 409."""
    told = await at.post(path, body)
    assert (told.status, told.code) == (409, "conflict")
