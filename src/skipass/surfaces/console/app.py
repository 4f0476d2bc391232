"""The ASGI app of the pages: the entrance, what waits, and one card to decide on. Behind the door."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from skipass.clock import Clock
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.sessions import sees_all
from skipass.nouns.approval import ApprovalState
from skipass.nouns.principal import Principal
from skipass.nouns.review import ReviewState
from skipass.secret import Secret
from skipass.surfaces.console import pages
from skipass.surfaces.console.views import MINUTE, card_values, left, policy_values, review_values
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.asgi import App, Receive, Scope, Send
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.door import Door
from skipass.surfaces.edge.forms import check_same_origin, form_from
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.edge.return_to import kept, path_of
from skipass.surfaces.edge.settings import EdgeSettings

_CARD = re.compile(r"(/console/(?:approvals/(?=apr)|reviews/(?=rvw)))(?:apr|rvw)_[0-9a-z]{26}")
_MOST = 100


def create_console_app(gateway: Gateway, settings: EdgeSettings, clock: Clock) -> App:
    """Return the ASGI app that serves `/sign-in` and `/console/…`, the door included."""
    return Door(_Console(gateway), settings, clock)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes


class _Console:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._cookies = Cookies(gateway.deps.base_url.startswith("https://"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        query = scope.get("query_string", b"").decode("latin-1")
        asked = _Asked(scope["method"], scope["path"].rstrip("/") or "/", query, Headers.of(scope), body)
        try:
            reply = await self._answer(asked)
        except SkipassError as error:
            reply = _problem(error)
        await _send(send, reply)

    async def _answer(self, asked: _Asked) -> _Reply:
        if asked.method == "POST":
            check_same_origin(asked.headers)
        card = _CARD.fullmatch(asked.path)
        named = asked.path.removeprefix("/console/")
        if asked.method == "GET" and named in pages.FILES:
            return _Reply(200, pages.file(named), {**pages.headers(), "content-type": pages.FILES[named]})
        path = card[1] if card else asked.path
        routes: dict[tuple[str, str], Callable[[_Asked], Awaitable[_Reply]]] = {
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

    async def _entrance(self, asked: _Asked) -> _Reply:
        to = kept(parse_qs(asked.query).get("to", [""])[0])
        provider = self._gateway.deps.provider
        if provider is None:
            return _html("sign_in.html", script=True, to=to)
        return _html("sign_in_with.html", label=provider.label, start=self._start(to))

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

    async def _sign_in(self, asked: _Asked) -> _Reply:
        form = form_from(asked.body, asked.headers, ("link", "to"))
        token = form["link"].strip().rpartition("#")[2]
        text = await self._gateway.sign_ins.open(token)
        return _to(path_of(form["to"]), self._cookies.keep(text))

    async def _sign_out(self, asked: _Asked) -> _Reply:
        cookie, principal = await self._caller(asked)
        check_form(cookie, "sign-out", form_from(asked.body, asked.headers, ("form",))["form"])
        await self._gateway.sign_ins.end(principal)
        return _to("/sign-in", self._cookies.drop())

    async def _caller(self, asked: _Asked) -> tuple[Secret[str], Principal]:
        cookie = self._cookies.read(asked.headers)
        if cookie is None:
            raise SkipassError("sign_in_required")
        return cookie, await self._gateway.sign_ins.principal(cookie.reveal())

    async def _waiting(self, asked: _Asked) -> _Reply:
        try:
            cookie, principal = await self._caller(asked)
        except SkipassError:
            return _to("/sign-in")
        now = self._gateway.deps.journal.now()
        found = await self._gateway.approvals.list(principal, state=ApprovalState.WAITING, after=None, limit=_MOST)
        items = [{"id": one.id, "subject": one.subject.value, "left": left(one, now)} for one in found]
        reviews = await self._owed(principal)
        seen, signed = sees_all(principal), _signed(cookie, principal)
        return _html("waiting.html", items=items, reviews=reviews, watches=seen, **signed)

    async def _policy(self, asked: _Asked) -> _Reply:
        """Show the policy in force; nothing is changed from here."""
        try:
            cookie, principal = await self._caller(asked)
        except SkipassError:
            return _to("/sign-in")
        found = await self._gateway.policies.list(principal, limit=1)
        people = {one.id: one.name for one in await self._gateway.people.list(principal)} if found else {}
        shown = policy_values(found[0], people) if found else None
        return _html("policy.html", version=shown, **_signed(cookie, principal))

    async def _owed(self, principal: Principal) -> list[dict[str, str]]:
        """Return the reviews that are open, to people who look at everything."""
        if not sees_all(principal):
            return []
        found = await self._gateway.reviews.list(principal, state=ReviewState.OPEN, limit=_MOST)
        return [{"id": one.id, "at": one.opened_at.strftime(MINUTE)} for one in found]

    async def _card(self, asked: _Asked) -> _Reply:
        approval_id = _id(asked)
        try:
            cookie, principal = await self._caller(asked)
        except SkipassError:
            return _to(f"/sign-in?to={approval_id}")
        return await self._shown(approval_id, cookie, principal)

    async def _shown(
        self, approval_id: str, cookie: Secret[str], principal: Principal, problem: SkipassError | None = None
    ) -> _Reply:
        full = await self._gateway.cards.show(principal, approval_id)
        values = card_values(full, self._gateway.deps.journal.now())
        fresh = await self._gateway.sign_ins.may_decide(principal)
        shown = {**values, **_signed(cookie, principal), **self._again(approval_id), "fresh": fresh, "problem": problem}
        status = STATUS[problem.kind] if problem else 200
        return _html("card.html", status=status, form=form_token(cookie, approval_id), **shown)

    async def _decide(self, asked: _Asked) -> _Reply:
        cookie, principal = await self._caller(asked)
        approval_id = _id(asked)
        form = form_from(asked.body, asked.headers, ("form", "hash", "word", "reason"))
        check_form(cookie, approval_id, form["form"])
        if form["word"] not in ("approve", "deny") or not form["hash"]:
            raise SkipassError("invalid_request", "The form says neither approve nor deny of a text.")
        approve, reason, shown = form["word"] == "approve", form["reason"][:1000], form["hash"]
        decide = self._gateway.approvals.decide
        try:
            await decide(principal, approval_id, approve=approve, reason=reason, intent_hash=shown)
        except SkipassError as problem:
            return await self._shown(approval_id, cookie, principal, problem)
        return _to(f"/console/approvals/{approval_id}")

    async def _review(self, asked: _Asked) -> _Reply:
        review_id = _id(asked)
        try:
            cookie, principal = await self._caller(asked)
        except SkipassError:
            return _to(f"/sign-in?to={review_id}")
        return await self._reviewed(review_id, cookie, principal)

    async def _reviewed(
        self, review_id: str, cookie: Secret[str], principal: Principal, problem: SkipassError | None = None
    ) -> _Reply:
        card = await self._gateway.reviews.show(principal, review_id)
        fresh = await self._gateway.sign_ins.may_decide(principal)
        shown = {**review_values(card), **_signed(cookie, principal), **self._again(review_id)}
        shown |= {"fresh": fresh, "problem": problem}
        status = STATUS[problem.kind] if problem else 200
        return _html("review.html", status=status, form=form_token(cookie, review_id), **shown)

    async def _close(self, asked: _Asked) -> _Reply:
        cookie, principal = await self._caller(asked)
        review_id = _id(asked)
        form = form_from(asked.body, asked.headers, ("form", "comment"))
        check_form(cookie, review_id, form["form"])
        try:
            await self._gateway.reviews.close(principal, review_id, comment=form["comment"])
        except SkipassError as problem:
            return await self._reviewed(review_id, cookie, principal, problem)
        return _to(f"/console/reviews/{review_id}")


def _id(asked: _Asked) -> str:
    return asked.path.rpartition("/")[2]


def _signed(cookie: Secret[str], principal: Principal) -> dict[str, Any]:
    return {"me": principal.user_name, "out": form_token(cookie, "sign-out")}


def _html(template: str, *, status: int = 200, script: bool = False, **values: Any) -> _Reply:
    sent = {**pages.headers(script=script), "content-type": "text/html; charset=utf-8"}
    return _Reply(status, pages.page(template, **values), sent)


def _to(path: str, cookie: str | None = None) -> _Reply:
    return _Reply(303, b"", {**pages.headers(), "location": path}, cookie)


def _problem(error: SkipassError) -> _Reply:
    status = STATUS[error.kind]
    return _html("problem.html", status=status, phrase=HTTPStatus(status).phrase, problem=error)


async def _send(send: Send, reply: _Reply) -> None:
    named = {**reply.headers, "content-length": str(len(reply.body))}
    named |= {"set-cookie": reply.cookie} if reply.cookie else {}
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
