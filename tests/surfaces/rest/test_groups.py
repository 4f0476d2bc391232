"""Groups: who is in, who says so, and what is refused."""

from __future__ import annotations

import pytest

from surfaces.rest.house import House, fresh

pytestmark = pytest.mark.anyio


async def test_people_and_agents_come_and_go(at: House) -> None:
    """Who was put in is listed with who said so, being put in again changes nothing, and who was taken out is gone."""
    group, agent = fresh("oncall"), await at.agent()
    person = (await at.post("/groups/add", {"group": group, "user": "sam"})).body
    machine = (await at.post("/groups/add", {"group": group, "agent": agent})).body
    assert (person["kind"], person["member"], person["source"]) == ("user", "sam", "admin")
    assert (await at.post("/groups/add", {"group": group, "user": "sam"})).body == person
    assert (await at.get(f"/groups?group={group}")).body["items"] == [person, machine]
    gone = (await at.post("/groups/remove", {"group": group, "user": "sam"})).body
    assert gone["removed_at"] is not None
    assert (await at.get(f"/groups?group={group}")).body["items"] == [machine]
    again = (await at.post("/groups/add", {"group": group, "user": "sam"})).body
    assert (again["id"], again["removed_at"]) == (person["id"], None)


async def test_memberships_page_in_order(at: House) -> None:
    """Following next_cursor visits every membership once."""
    group = fresh("paged")
    made = [
        (await at.post("/groups/add", {"group": group, "agent": await at.agent()})).body["member"] for _ in range(3)
    ]
    first = (await at.get(f"/groups?group={group}&limit=2")).body
    rest = (await at.get(f"/groups?group={group}&limit=2&cursor={first['next_cursor']}")).body
    assert [one["member"] for one in (*first["items"], *rest["items"])] == made
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"group": "oncall"}, "invalid_request"),
        ({"group": "oncall", "user": "sam", "agent": "reporting-agent"}, "invalid_request"),
        ({"group": " oncall", "user": "sam"}, "invalid_request"),
        ({"group": "on\ncall", "user": "sam"}, "invalid_request"),
        ({"group": "g" * 201, "user": "sam"}, "invalid_request"),
        ({"group": "oncall", "user": "nobody"}, "not_found"),
        ({"group": "oncall", "agent": "nobody"}, "not_found"),
        ({"user": "sam"}, "missing_field"),
        ({"group": "oncall", "user": "sam", "role": "x"}, "unknown_field"),
    ],
)
async def test_what_names_no_member_or_no_group_is_refused(at: House, body: dict[str, str], code: str) -> None:
    """Nobody is put in by a request that does not name one group and one member."""
    before = (await at.get("/groups?limit=200")).body
    assert (await at.post("/groups/add", body)).code == code
    assert (await at.get("/groups?limit=200")).body == before


async def test_taking_out_who_is_not_in_is_not_found(at: House) -> None:
    """A membership that is not there cannot be removed."""
    assert (await at.post("/groups/remove", {"group": "elsewhere", "user": "sam"})).code == "not_found"
