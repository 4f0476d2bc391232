"""Reviews: people look at what a broken glass let through, and close it with a word; those who had a part do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.alarm import why_no_review
from skipass.gateway.deps import Deps
from skipass.gateway.moves import move
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.signins import consume
from skipass.gateway.views import review_url
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.review import Review, ReviewState
from skipass.nouns.session import AccessSession

WATCHERS = (Role.ADMIN, Role.APPROVER, Role.AUDITOR)
LONGEST_COMMENT = 1000


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """A review with what it is about; `names` are people's by id, `barred` says why the viewer may not close it."""

    review: Review
    session: AccessSession | None
    agent: Agent | None
    names: dict[str, str]
    barred: str | None


class Reviews:
    """The use cases of reviews."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def list(
        self, principal: Principal, *, state: ReviewState | None = None, after: str | None = None, limit: int = 1000
    ) -> list[Review]:
        """Return the tenant's reviews, newest first, for people who administer, decide or audit."""
        require(principal, *WATCHERS)
        where: dict[str, str | ReviewState] = {"tenant_id": principal.tenant_id}
        where |= {"state": state} if state else {}
        where |= {"id__lt": after} if after else {}

        async def load(reader: Reader) -> list[Review]:
            return await reader.find(Review, order="id", descending=True, limit=limit, **where)

        return await self._deps.journal.read(load)

    async def show(self, principal: Principal, review_id: str) -> ReviewCard:
        """Return one review with its session; raises `not_found`."""
        require(principal, *WATCHERS)

        async def load(reader: Reader) -> ReviewCard:
            review = await _found(reader, principal, review_id)
            session = await reader.get(AccessSession, review.session_id)
            agent = await reader.get(Agent, review.agent_id)
            ids = {review.requester_id, review.owner_id, review.closed_by, *review.deciders}
            people = [await reader.get(User, one) for one in ids if one]
            viewer = await reader.get(User, principal.user_id)
            barred = "there is no such person" if viewer is None else await why_no_review(reader, viewer, review)
            return ReviewCard(review, session, agent, {one.id: one.name for one in people if one}, barred)

        return await self._deps.journal.read(load)

    async def close(self, principal: Principal, review_id: str, *, comment: str) -> Review:
        """Close a review with a comment, as a freshly signed-in person who had no part in it.

        Raises `sign_in_required`, `not_eligible`, `not_found`, `invalid_request` without a comment, and `conflict` for
        one that is closed.
        """
        by = require(principal, *WATCHERS)
        if not comment.strip():
            raise SkipassError("invalid_request", "A review is closed with a comment: what was found?")
        if not principal.sandbox_decider and principal.sign_in_id is None:
            url = review_url(self._deps.base_url, review_id)
            how = "" if self._deps.provider else ", with a new one-time link: skipass user link NAME"
            hint = f"Open {url} in a browser{how}."
            raise SkipassError(
                "sign_in_required", "Closing a review takes a fresh sign-in.", hint, details={"url": url}
            )

        async def close(unit: UnitOfWork) -> Review:
            review = await _found(unit, principal, review_id)
            person = await unit.get(User, by)
            why = await why_no_review(unit, person, review) if person else "there is no such person"
            if why:
                raise SkipassError("not_eligible", f"This person may not close it: {why}.", "Ask somebody else.")
            if review.state is not ReviewState.OPEN:
                raise SkipassError("conflict", "The review is closed already.", "Nothing was changed.")
            said = comment.strip()[:LONGEST_COMMENT]
            facts = {"by": by, "comment": said, "credential": principal.credential_id}
            if principal.sign_in_id is not None:
                await consume(unit, principal.sign_in_id)
            changes: dict[str, Any] = {"closed_at": unit.now, "closed_by": by, "comment": said}
            return await move(unit, review, ReviewState.CLOSED, facts, **changes)

        return await self._deps.journal.write(close)


async def _found(reader: Reader, principal: Principal, review_id: str) -> Review:
    review = await reader.get(Review, review_id, tenant_id=principal.tenant_id)
    if review is None:
        raise SkipassError("not_found", "There is no such review.")
    return review
