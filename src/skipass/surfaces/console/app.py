"""The ASGI app of the pages: the entrance, what waits, and one card to decide on. Behind the door."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.sessions import sees_all
from skipass.nouns.approval import ApprovalState
from skipass.nouns.principal import Principal
from skipass.nouns.review import ReviewState
from skipass.surfaces.console.views import MINUTE, card_values, left, policy_values, review_values
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.forms import check_same_origin, form_from
from skipass.surfaces.edge.pages import Pages, Reply, moved, shared_file
from skipass.surfaces.edge.requests import Asked, SignedIn, caller, signed_in
from skipass.surfaces.edge.return_to import kept, path_of
from skipass.surfaces.edge.settings import EdgeSettings

PAGES = Pages(Path(__file__).parent / "templates")
_CARD = re.compile(r"(/console/(?:approvals/(?=apr)|reviews/(?=rvw)))(?:apr|rvw)_[0-9a-z]{26}")
_MOST = 100


def create_console_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves `/sign-in` and `/console/…`, the door included."""
    return Door(_Console(gateway), settings, clock)


class _Console:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._cookies = Cookies(gateway.deps.base_url.startswith("https://"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await Asked.of(scope, receive)
        try:
            reply = await self._answer(asked)
        except SkipassError as error:
            reply = PAGES.problem(error)
        await reply.send(send)

    async def _answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            check_same_origin(asked.headers)
        card = _CARD.fullmatch(asked.path)
        file = shared_file(asked.path.removeprefix("/console/")) if asked.method == "GET" else None
        if file is not None:
            return file
        path = card[1] if card else asked.path
        routes: dict[tuple[str, str], Callable[[Asked], Awaitable[Reply]]] = {
            ("GET", "/sign-in"): self._entrance,
            ("POST", "/sign-in"): self._sign_in,
            ("GET", "/console"): self._waiting,
            ("GET", "/console/policy"): self._policy,
            ("POST", "/console/sign-out"): self._sign_out,
            ("GET", "/console/approvals/"): self._card,
            ("POST", "/console/approvals/"): self._decide,
            ("GET", "/console/reviews/"): self._review,
            ("POST", "/console/reviews/"): self._close,
        }
        if (asked.method, path) not in routes:
            raise SkipassError("not_found", "There is no such page.")
        return await routes[asked.method, path](asked)

    async def _entrance(self, asked: Asked) -> Reply:
        to = kept(asked.named().get("to", ""))
        provider = self._gateway.deps.provider
        if provider is None:
            return PAGES.html("sign_in.html", script=True, onward=to)
        return PAGES.html("sign_in_with.html", label=provider.label, start=self._start(to))

    def _start(self, to: str) -> str:
        """Return where signing in begins for a page that is to be opened then."""
        if self._gateway.deps.provider is None:
            return f"/sign-in?to={quote(to, safe='')}"
        return f"/oauth/sign-in/start?to={quote(to, safe='')}"

    def _again(self, to: str) -> dict[str, str]:
        """Return the words and the way of a fresh sign-in, for a card that shows and cannot be decided on."""
        provider = self._gateway.deps.provider
        words = f"Sign in again with {provider.label}" if provider else "Sign in with a new one-time link"
        return {"again": words, "start": self._start(to)}

    async def _sign_in(self, asked: Asked) -> Reply:
        form = form_from(asked.body, asked.headers, ("link", "to"))
        token = form["link"].strip().rpartition("#")[2]
        text = await self._gateway.sign_ins.open(token)
        return moved(path_of(form["to"]), self._cookies.keep(text))

    async def _sign_out(self, asked: Asked) -> Reply:
        by = await self._caller(asked)
        check_form(by.cookie, "sign-out", form_from(asked.body, asked.headers, ("form",))["form"])
        await self._gateway.sign_ins.end(by.principal)
        return moved("/sign-in", self._cookies.drop())

    async def _caller(self, asked: Asked) -> SignedIn:
        return await caller(self._gateway.sign_ins, self._cookies, asked)

    async def _known(self, asked: Asked) -> SignedIn | None:
        return await signed_in(self._gateway.sign_ins, self._cookies, asked)

    async def _waiting(self, asked: Asked) -> Reply:
        by = await self._known(asked)
        if by is None:
            return moved("/sign-in")
        now = self._gateway.deps.journal.now()
        found = await self._gateway.approvals.list(by.principal, state=ApprovalState.WAITING, after=None, limit=_MOST)
        items = [{"id": one.id, "subject": one.subject.value, "left": left(one, now)} for one in found]
        reviews = await self._owed(by.principal)
        seen, signed = sees_all(by.principal), _signed(by)
        return PAGES.html("waiting.html", items=items, reviews=reviews, watches=seen, **signed)

    async def _policy(self, asked: Asked) -> Reply:
        """Show the policy in force; nothing is changed from here."""
        by = await self._known(asked)
        if by is None:
            return moved("/sign-in")
        found = await self._gateway.policies.list(by.principal, limit=1)
        people = {one.id: one.name for one in await self._gateway.people.list(by.principal)} if found else {}
        shown = policy_values(found[0], people) if found else None
        return PAGES.html("policy.html", version=shown, **_signed(by))

    async def _owed(self, principal: Principal) -> list[dict[str, str]]:
        """Return the reviews that are open, to people who look at everything."""
        if not sees_all(principal):
            return []
        found = await self._gateway.reviews.list(principal, state=ReviewState.OPEN, limit=_MOST)
        return [{"id": one.id, "at": one.opened_at.strftime(MINUTE)} for one in found]

    async def _card(self, asked: Asked) -> Reply:
        approval_id = _id(asked)
        by = await self._known(asked)
        if by is None:
            return moved(f"/sign-in?to={approval_id}")
        return await self._shown(approval_id, by)

    async def _shown(self, approval_id: str, by: SignedIn, problem: SkipassError | None = None) -> Reply:
        full = await self._gateway.cards.show(by.principal, approval_id)
        values = card_values(full, self._gateway.deps.journal.now())
        fresh = await self._gateway.sign_ins.may_decide(by.principal)
        shown = {**values, **_signed(by), **self._again(approval_id), "fresh": fresh, "problem": problem}
        status = STATUS[problem.kind] if problem else 200
        return PAGES.html("card.html", status=status, form=form_token(by.cookie, approval_id), **shown)

    async def _decide(self, asked: Asked) -> Reply:
        by = await self._caller(asked)
        approval_id = _id(asked)
        form = form_from(asked.body, asked.headers, ("form", "hash", "word", "reason"))
        check_form(by.cookie, approval_id, form["form"])
        if form["word"] not in ("approve", "deny") or not form["hash"]:
            raise SkipassError("invalid_request", "The form says neither approve nor deny of a text.")
        approve, reason, shown = form["word"] == "approve", form["reason"][:1000], form["hash"]
        decide = self._gateway.approvals.decide
        try:
            await decide(by.principal, approval_id, approve=approve, reason=reason, intent_hash=shown)
        except SkipassError as problem:
            return await self._shown(approval_id, by, problem)
        return moved(f"/console/approvals/{approval_id}")

    async def _review(self, asked: Asked) -> Reply:
        review_id = _id(asked)
        by = await self._known(asked)
        if by is None:
            return moved(f"/sign-in?to={review_id}")
        return await self._reviewed(review_id, by)

    async def _reviewed(self, review_id: str, by: SignedIn, problem: SkipassError | None = None) -> Reply:
        card = await self._gateway.reviews.show(by.principal, review_id)
        fresh = await self._gateway.sign_ins.may_decide(by.principal)
        shown = {**review_values(card), **_signed(by), **self._again(review_id)}
        shown |= {"fresh": fresh, "problem": problem}
        status = STATUS[problem.kind] if problem else 200
        return PAGES.html("review.html", status=status, form=form_token(by.cookie, review_id), **shown)

    async def _close(self, asked: Asked) -> Reply:
        by = await self._caller(asked)
        review_id = _id(asked)
        form = form_from(asked.body, asked.headers, ("form", "comment"))
        check_form(by.cookie, review_id, form["form"])
        try:
            await self._gateway.reviews.close(by.principal, review_id, comment=form["comment"])
        except SkipassError as problem:
            return await self._reviewed(review_id, by, problem)
        return moved(f"/console/reviews/{review_id}")


def _id(asked: Asked) -> str:
    return asked.path.rpartition("/")[2]


def _signed(by: SignedIn) -> dict[str, Any]:
    return {"me": by.principal.user_name, "out": form_token(by.cookie, "sign-out")}
