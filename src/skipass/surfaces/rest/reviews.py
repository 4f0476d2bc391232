"""Reviews over REST: what broken glass owes, and closing it. People only."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from skipass.gateway.reviews import ReviewCard
from skipass.gateway.views import review_view
from skipass.nouns.review import ReviewState
from skipass.surfaces.rest import paging, shapes
from skipass.surfaces.rest.bodies import Body, Segment
from skipass.surfaces.rest.once import OnceFor
from skipass.surfaces.rest.replies import reply
from skipass.surfaces.rest.route import Caller, CallerRoute, TheGateway, routes
from skipass.surfaces.rest.views import session_body
from skipass.tools.fields import Text

router = routes(CallerRoute, "reviews")


class CloseReview(Body):
    """Body of `POST /reviews/{id}/close`."""

    comment: Text = Field(
        max_length=1000, description="What was found.", examples=["needed to stop the double billing"]
    )


class Review(shapes.Shape):
    """A session that broke the glass, and whether somebody has looked at it."""

    id: str = Field(examples=["rvw_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    state: Literal["open", "closed"]
    session_id: str
    agent_id: str | None
    requester_id: str = Field(description="The user acted for.")
    deciders: list[str] = Field(description="Ids of who approved it; empty where a rule opened it at once.")
    url: str = Field(description="The page where it is closed.")
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    closed_by: str | None
    comment: str


class ReviewShown(shapes.Shape):
    """A review with its session."""

    review: Review
    session: shapes.Session | None
    agent: shapes.Named | None
    names: dict[str, str] = Field(description="Names of the people by id.")
    barred: str | None = Field(description="Why the caller may not close it; null where they may, freshly signed in.")


@router.get("/reviews", response_model=shapes.Page[Review], summary="List reviews, newest first")
async def list_reviews(
    gateway: TheGateway,
    caller: Caller,
    state: ReviewState | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """List what broken glass owes or owed."""
    after = paging.REVIEWS.after(cursor)
    found = await gateway.reviews.list(caller, state=state, after=after, limit=limit + 1)
    return reply(paging.page(found, limit, lambda one: one.id, partial(review_view, base_url=gateway.deps.base_url)))


@router.get("/reviews/{review_id}", response_model=ReviewShown, summary="Show a review")
async def show_review(review_id: Segment, gateway: TheGateway, caller: Caller) -> Response:
    """Show a review and the session it is about; what ran in it is in the session's record."""
    card = await gateway.reviews.show(caller, review_id)
    return reply(_shown(card, gateway))


@router.post("/reviews/{review_id}/close", response_model=Review, summary="Close a review")
async def close_review(
    review_id: Segment, body: CloseReview, gateway: TheGateway, caller: Caller, once: OnceFor
) -> Response:
    """Close a review with a comment, as a freshly signed-in approver or admin who had no part in it."""
    close = partial(gateway.reviews.close, caller, review_id, comment=body.comment)
    return await once(close, partial(review_view, base_url=gateway.deps.base_url), status=200)


def _shown(card: ReviewCard, gateway: TheGateway) -> dict[str, object]:
    base_url, now = gateway.deps.base_url, gateway.deps.journal.now()
    return {
        "review": review_view(card.review, base_url),
        "session": session_body(card.session, base_url, now) if card.session else None,
        "agent": {"id": card.agent.id, "name": card.agent.name} if card.agent else None,
        "names": card.names,
        "barred": card.barred,
    }
