"""The inbox: what waits for people, one card to decide on, one review to close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from skipass.errors import SkipassError
from skipass.gateway.following import ApprovalNow
from skipass.gateway.sessions import sees_all
from skipass.gateway.waiting import WaitingCard
from skipass.nouns.principal import Principal
from skipass.nouns.review import ReviewState
from skipass.surfaces.console.card_views import MINUTE, card_values, review_values, standing_values, until_settled
from skipass.surfaces.console.frame import PAGES, Frame, last_step
from skipass.surfaces.console.live import Topics, changed, mark, seen_by
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.events import Events
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST = 100
_Waiting: TypeAlias = "tuple[list[WaitingCard], list[dict[str, str]]]"


class Inbox:
    """`/console`, `/console/approvals/…` and `/console/reviews/…`."""

    def __init__(self, frame: Frame, topics: Topics) -> None:
        self._frame, self._gateway, self._topics = frame, frame.gateway, topics

    async def waiting(self, asked: Asked) -> Reply:
        """Show what waits for this person."""
        by = await self._frame.caller(asked)
        parts = await _parts(await self._wait(by.principal))
        return self._frame.page("waiting.html", by, here=asked.path, live=True, parts=parts, seen=mark(parts))

    async def follow(self, asked: Asked) -> Events:
        """Tell what comes to wait, and what no longer does."""
        by = await self._frame.caller(asked)
        whose = None if sees_all(by.principal) else by.principal.user_id
        topic = ("waiting", by.principal.tenant_id, whose)
        answers = self._topics.follow(topic, lambda: self._wait(by.principal))
        return self._frame.events(asked, by, changed(answers, _parts, seen_by(asked)))

    async def _wait(self, principal: Principal) -> _Waiting:
        """Return what waits for people who see the same as this one."""
        found = await self._gateway.waiting.cards(principal, limit=_MOST)
        return found, await self._owed(principal)

    async def _owed(self, principal: Principal) -> list[dict[str, str]]:
        """Return the reviews that are open, to people who look at everything."""
        if not sees_all(principal):
            return []
        found = await self._gateway.reviews.list(principal, state=ReviewState.OPEN, limit=_MOST)
        return [{"id": one.id, "at": one.opened_at.strftime(MINUTE)} for one in found]

    async def card(self, asked: Asked) -> Reply:
        """Show everything a decision is made on."""
        by = await self._frame.caller(asked)
        return await self._card(last_step(asked), by)

    async def _card(self, approval_id: str, by: SignedIn, problem: SkipassError | None = None) -> Reply:
        full = await self._gateway.cards.show(by.principal, approval_id)
        values = card_values(full, self._gateway.deps.journal.now())
        parts = await self._standing(await self._gateway.following.approval(by.principal, approval_id))
        values |= {"parts": parts, "seen": mark(parts)}
        return await self._to_decide("card.html", approval_id, by, values, problem, script=True)

    async def follow_card(self, asked: Asked) -> Events:
        """Tell where an approval stands, and what becomes of what it is about; never the text or its hash."""
        by, approval_id = await self._frame.caller(asked), last_step(asked)
        following = self._gateway.following
        await following.approval(by.principal, approval_id)
        topic = ("approval", by.principal.tenant_id, approval_id)
        answers = self._topics.follow(topic, lambda: following.approval(by.principal, approval_id))
        return self._frame.events(asked, by, changed(until_settled(answers), self._standing, seen_by(asked)))

    async def _standing(self, now: ApprovalNow) -> dict[str, Markup]:
        values = standing_values(now, self._gateway.deps.journal.now())
        return {"decided" if values["over"] else "waiting": PAGES.part("card_standing.html", **values)}

    async def decide(self, asked: Asked) -> Reply:
        """Approve or deny."""
        approval_id = last_step(asked)
        by, form = await self._frame.posted(asked, approval_id, "hash", "word", "reason")
        if form["word"] not in ("approve", "deny") or not form["hash"]:
            raise SkipassError("invalid_request", "The form says neither approve nor deny of a text.")
        approve, reason, shown = form["word"] == "approve", form["reason"][:1000], form["hash"]
        decide = self._gateway.approvals.decide
        try:
            await decide(by.principal, approval_id, approve=approve, reason=reason, intent_hash=shown)
        except SkipassError as problem:
            return await self._card(approval_id, by, problem)
        return moved(f"/console/approvals/{approval_id}")

    async def review(self, asked: Asked) -> Reply:
        """Show a session that broke the glass, to whoever reviews it."""
        by = await self._frame.caller(asked)
        return await self._review(last_step(asked), by)

    async def _review(self, review_id: str, by: SignedIn, problem: SkipassError | None = None) -> Reply:
        values = review_values(await self._gateway.reviews.show(by.principal, review_id))
        return await self._to_decide("review.html", review_id, by, values, problem)

    async def close(self, asked: Asked) -> Reply:
        """Close a review."""
        review_id = last_step(asked)
        by, form = await self._frame.posted(asked, review_id, "comment")
        try:
            await self._gateway.reviews.close(by.principal, review_id, comment=form["comment"])
        except SkipassError as problem:
            return await self._review(review_id, by, problem)
        return moved(f"/console/reviews/{review_id}")

    async def _to_decide(
        self,
        template: str,
        subject: str,
        by: SignedIn,
        values: dict[str, Any],
        problem: SkipassError | None,
        *,
        script: bool = False,
    ) -> Reply:
        """Return a page on which a freshly signed-in person gives their word; no script of others is let in there."""
        shown = {**values, **self._frame.again(subject), "problem": problem, "form": form_token(by.cookie, subject)}
        shown["fresh"] = await self._gateway.sign_ins.may_decide(by.principal)
        status = STATUS[problem.kind] if problem else 200
        return self._frame.page(template, by, status=status, script=script, **shown)


async def _parts(waiting: _Waiting) -> dict[str, Markup]:
    found, reviews = waiting
    items = [{"id": one.approval.id, "subject": one.approval.subject.value, "card": one} for one in found]
    return {
        "count": PAGES.part("waiting_count.html", items=items, most=_MOST),
        "cards": PAGES.part("waiting_cards.html", items=items, reviews=reviews),
    }
