"""The provider's pages: who is signed in goes straight back with a code, everybody else sees the sign-in form.

Source: OpenID Connect Core section 3.1.2.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from skipass.sandbox import pages
from skipass.sandbox.idp import requests
from skipass.sandbox.idp.model import Directory, Grant, Server, SignedIn
from skipass.sandbox.idp.requests import Refused, Unsafe, Wanted
from skipass.sandbox.oauth.model import digest

COOKIE, TICKET = "idp_session", "idp_ticket"
SESSION_LIFE, TICKET_LIFE, CODE_LIFE = timedelta(hours=8), timedelta(minutes=10), timedelta(minutes=1)
MAX_PENDING = 1000


@dataclass(frozen=True, slots=True)
class _Pending:
    wanted: Wanted
    browser: str
    expires: datetime


class Browser:
    """The pages over a directory."""

    def __init__(self, directory: Directory, now: Callable[[], datetime], saved: Callable[[], None]) -> None:
        self.directory = directory
        self._now = now
        self._saved = saved
        self._pending: dict[str, _Pending] = {}

    def _server(self, request: Request) -> Server | None:
        return self.directory.servers.get(request.path_params["server"])

    async def authorize(self, request: Request) -> Response:
        """Answer an authorization request: straight back for who is signed in, else the sign-in page."""
        server = self._server(request)
        if server is None:
            return not_found()
        query = dict(request.query_params)
        try:
            wanted = requests.read(self.directory, server, query)
        except Unsafe:
            return pages.refusal("400 Bad Request", "The client or its redirect address is not known.")
        except Refused as refused:
            answer = {"error": refused.error, "error_description": refused.text}
            return _back(query["redirect_uri"], query.get("state", ""), answer)
        signed = self._signed_in(request, wanted)
        if signed is not None:
            return self._granted(server, wanted, signed)
        if wanted.silent:
            text = "The client specified not to prompt, but the user is not logged in."
            return _back(wanted.redirect_uri, wanted.state, {"error": "login_required", "error_description": text})
        return self._ask(request, wanted)

    def _signed_in(self, request: Request, wanted: Wanted) -> SignedIn | None:
        found = self.directory.browsers.get(digest(request.cookies.get(COOKIE, "")))
        now = self._now()
        if found is None or found.expires <= now or wanted.fresh:
            return None
        person = self.directory.people.get(found.login)
        old = wanted.max_age_s is not None and found.at + timedelta(seconds=wanted.max_age_s) < now
        return None if old or person is None or person.disabled else found

    def _ask(self, request: Request, wanted: Wanted) -> Response:
        now = self._now()
        kept = {key: one for key, one in self._pending.items() if one.expires > now}
        ticket, browser = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._pending = dict(list(kept.items())[-MAX_PENDING:])
        self._pending[ticket] = _Pending(wanted, browser, now + TICKET_LIFE)
        answer = pages.sign_in(request.url.path, {"ticket": ticket}, "the test identity provider")
        _cookie(answer, request, TICKET, browser)
        return answer

    async def sign_in(self, request: Request) -> Response:
        """Answer the posted sign-in page."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        ticket = form.get("ticket", "")
        pending, server = self._pending.get(ticket), self._server(request)
        browser = request.cookies.get(TICKET, "").encode()
        if pending is None or server is None or not hmac.compare_digest(browser, pending.browser.encode()):
            return pages.refusal("400 Bad Request", "This sign-in is over. Start again where you came from.")
        person = self.directory.person(form.get("username", ""), form.get("password", ""))
        if person is None:
            text = "Unable to sign in: wrong user name or password."
            return pages.sign_in(request.url.path, {"ticket": ticket}, "the test identity provider", text)
        del self._pending[ticket]
        session = secrets.token_urlsafe(32)
        signed = SignedIn(person.login, self._now(), self._now() + SESSION_LIFE)
        self.directory.browsers[digest(session)] = signed
        answer = self._granted(server, pending.wanted, signed)
        _cookie(answer, request, COOKIE, session)
        return answer

    def _granted(self, server: Server, wanted: Wanted, signed: SignedIn) -> Response:
        client, person = self.directory.clients[wanted.client], self.directory.people[signed.login]
        given = server.given(wanted.scopes, client, person)
        if not given:
            text = "Policy evaluation failed for this request, please check the policy configurations."
            return _back(wanted.redirect_uri, wanted.state, {"error": "access_denied", "error_description": text})
        code = secrets.token_urlsafe(32)
        self.directory.codes[digest(code)] = Grant(
            server.id,
            client.id,
            person.login,
            tuple(sorted(given)),
            wanted.redirect_uri,
            wanted.challenge,
            wanted.nonce,
            signed.at,
            self._now() + CODE_LIFE,
        )
        self._saved()
        return _back(wanted.redirect_uri, wanted.state, {"code": code})

    async def log_out(self, request: Request) -> Response:
        """End the browser's session."""
        self.directory.browsers.pop(digest(request.cookies.get(COOKIE, "")), None)
        answer = pages.page("Signed out", "<p>You are signed out.</p>")
        answer.delete_cookie(COOKIE, path="/oauth2")
        return answer


def _cookie(answer: Response, request: Request, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, path="/oauth2", httponly=True, samesite="lax", secure=secure)


def _back(uri: str, state: str, answer: dict[str, str]) -> Response:
    if state:
        answer["state"] = state
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return pages.redirect(urlunsplit(parts._replace(query=query)))


def not_found() -> Response:
    """Return the provider's answer to an address that it does not have."""
    return JSONResponse({"errorCode": "E0000007", "errorSummary": "Not found"}, 404)
