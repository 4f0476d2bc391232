"""Reviews over REST, from the broken glass to the comment that closes it."""

from __future__ import annotations

import pytest

from surfaces.rest.house import House

pytestmark = pytest.mark.anyio


async def test_a_review_is_listed_shown_and_closed_once(at: House) -> None:
    """An open review names its session and who may not close it; closed, it says by whom and with what."""
    review_id = await at.review()
    listed = (await at.get("/reviews?state=open&limit=1", who="approver")).body["items"]
    assert [one["id"] for one in listed] == [review_id]
    shown = (await at.get(f"/reviews/{review_id}", who="approver")).body
    assert (shown["session"]["break_glass"], shown["session"]["state"], shown["barred"]) == (True, "closed", None)
    assert shown["agent"]["name"] == "reporting-agent"
    said = {"comment": "it stopped the double billing"}
    closed = (await at.post(f"/reviews/{review_id}/close", said, who="approver")).body
    assert (closed["state"], closed["comment"]) == ("closed", said["comment"])
    assert closed["closed_by"] is not None
    again = await at.post(f"/reviews/{review_id}/close", said)
    assert (again.status, again.code) == (409, "conflict")
    assert review_id not in {one["id"] for one in (await at.get("/reviews?state=open")).body["items"]}


async def test_a_kept_token_is_sent_to_the_page(at: House) -> None:
    """A person's token for the command line closes nothing; the refusal carries the address of the page."""
    review_id, name = await at.review(), await at.person("approver")
    refused = await at.post(f"/reviews/{review_id}/close", {"comment": "looked"}, who=name)
    assert (refused.status, refused.code) == (401, "sign_in_required")
    assert refused.body["error"]["details"]["url"].endswith(f"/console/reviews/{review_id}")


@pytest.mark.parametrize("body", [{}, {"comment": ""}, {"comment": "x", "approve": True}])
async def test_without_a_comment_nothing_is_closed(at: House, body: dict[str, object]) -> None:
    """A review is closed with a word or not at all."""
    review_id = await at.review()
    assert (await at.post(f"/reviews/{review_id}/close", body)).status == 400
    assert (await at.get(f"/reviews/{review_id}")).body["review"]["state"] == "open"


async def test_reviews_page_newest_first(at: House) -> None:
    """Following next_cursor visits every review once."""
    made = [await at.review() for _ in range(3)]
    first = (await at.get("/reviews?limit=2")).body
    rest = (await at.get(f"/reviews?limit=200&cursor={first['next_cursor']}")).body
    found = [one["id"] for one in (*first["items"], *rest["items"])]
    assert found[:3] == made[::-1]
    assert found == sorted(set(found), reverse=True)


async def test_what_does_not_exist_is_not_found(at: House) -> None:
    """A review that does not exist is not found."""
    assert (await at.get("/reviews/rvw_nobody")).code == "not_found"
    assert (await at.post("/reviews/rvw_nobody/close", {"comment": "x"})).code == "not_found"


async def test_leave_for_automatic_sessions_names_whose(at: House) -> None:
    """Allowing automatic sessions again answers for whom and since when."""
    wish = {"agent": "reporting-agent", "connection": "snowflake"}
    told = await at.post("/sessions/allow-automatic", wish)
    assert set(told.body) == {"agent_id", "user_id", "connection_id", "at"}
    assert (await at.post("/sessions/allow-automatic", {**wish, "agent": "nobody"})).code == "not_found"
