"""The browser leg of an authorization: sign-in, consent, and the redirect back with a code or a refusal.

A request under way is known by a random ticket, bound to the browser by a cookie, and ends after ten minutes. Whether
the person may take the role is only told after sign-in, and then not to the client.
Source: https://docs.snowflake.com/en/user-guide/oauth-consent.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from skipass.sandbox import pages, passwords
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.oauth import authorize, scopes, tokens
from skipass.sandbox.oauth.authorize import BadRequest, Request
from skipass.sandbox.oauth.consents import ANY_ROLE
from skipass.sandbox.oauth.integrations import any_role, role_rule
from skipass.sandbox.oauth.model import Family, Integration
from skipass.sandbox.privileges import available_roles

PATH = "/oauth/authorize"
LIFE = timedelta(minutes=10)
COOKIE = "sandbox_authorization"
MAX_PENDING = 1000


@dataclass(frozen=True, slots=True)
class Pending:
    """A request under way: who signed in (empty before), and the browser it belongs to."""

    request: Request
    browser: str = field(repr=False)
    expires: datetime
    user: str = ""


class Browser:
    """The pages of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._pending: dict[str, Pending] = {}

    async def start(self, request: HttpRequest) -> Response:
        """Answer an authorization request: the sign-in page, or a page with the number of what is wrong."""
        pairs = request.query_params.multi_items()
        query = dict(pairs)
        try:
            if len(query) != len(pairs):
                raise BadRequest(390304)
            wanted = authorize.read(self._account, query)
        except BadRequest as bad:
            return pages.refusal(f"Error {bad.number}", authorize.TEXTS[bad.number])
        self._forget_old()
        ticket, browser = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._pending[ticket] = Pending(wanted, browser, self._account.now() + LIFE)
        answer = pages.sign_in(PATH, {"ticket": ticket}, self._account.identifier)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, browser, path=PATH, httponly=True, samesite="lax", secure=secure)
        return answer

    def _forget_old(self) -> None:
        now = self._account.now()
        kept = {key: one for key, one in self._pending.items() if one.expires > now}
        self._pending = dict(list(kept.items())[-MAX_PENDING:])

    async def go_on(self, request: HttpRequest) -> Response:
        """Answer a posted page: sign-in first, then the decision."""
        form = dict(parse_qsl((await request.body()).decode("ascii", "replace")))
        ticket = form.get("ticket", "")
        pending = self._pending.get(ticket)
        browser = request.cookies.get(COOKIE, "")
        if pending is None or pending.expires <= self._account.now() or not _same(browser, pending.browser):
            return pages.refusal("Error 390302", "Invalid consent request")
        one = self._account.sign_in.integrations.get(pending.request.integration)
        if one is None or not one.enabled:
            return pages.refusal("Error 390306", authorize.TEXTS[390306])
        if not pending.user:
            return self._signed_in(ticket, pending, one, form)
        return self._decided(ticket, pending, one, allowed=form.get("decision") == "allow")

    def _signed_in(self, ticket: str, pending: Pending, one: Integration, form: dict[str, str]) -> Response:
        user = self._account.catalog.login(form.get("username", ""))
        good = passwords.fits(form.get("password", ""), user.options.get("PASSWORD", "") if user else "")
        if user is None or user.disabled or not good:
            text = "Incorrect username or password was specified."
            return pages.sign_in(PATH, {"ticket": ticket}, self._account.identifier, text)
        role = pending.request.asked.role or user.options.get("DEFAULT_ROLE", "PUBLIC")
        if role not in available_roles(self._account.catalog, user) or not role_rule(self._account, one).admits(role):
            del self._pending[ticket]
            return pages.refusal("Error 390302", "Invalid consent request")
        if pending.request.asked.any_role and not any_role(self._account, one, user):
            del self._pending[ticket]
            return pages.refusal("Error 390308", authorize.TEXTS[390308])
        pending = replace(pending, user=user.name)
        self._pending[ticket] = pending
        if self._consented(user, one, role, pending):
            return self._decided(ticket, pending, one, allowed=True)
        lines = [f"work as {user.name} with role {role}"]
        lines += ["switch to any of your roles"] if pending.request.asked.any_role else []
        lines += ["go on while you are away"] if pending.request.asked.offline else []
        return pages.consent(PATH, {"ticket": ticket}, one.name, lines)

    def _consented(self, user: User, one: Integration, role: str, pending: Pending) -> bool:
        if pending.request.asked.any_role:
            return (user.name, ANY_ROLE, one.name) in self._account.sign_in.consents
        if role in one.values("PRE_AUTHORIZED_ROLES_LIST"):
            return True
        return (user.name, role, one.name) in self._account.sign_in.consents

    def _decided(self, ticket: str, pending: Pending, one: Integration, *, allowed: bool) -> Response:
        del self._pending[ticket]
        wanted = pending.request
        if not allowed:
            text = "The user refused the request."
            return _back(wanted, {"error": "access_denied", "error_description": text})
        family = self._family(pending, one)
        with self._account.lock:
            key = (family.user, ANY_ROLE if family.any_role else family.role, one.name)
            self._account.sign_in.consents.setdefault(key, self._account.now())
            code = tokens.new_code(self._account, family, wanted.redirect_uri, wanted.challenge)
            self._account.save()
        return _back(wanted, {"code": code, "scope": family.scope})

    def _family(self, pending: Pending, one: Integration) -> Family:
        asked = pending.request.asked
        user = self._account.catalog.users[pending.user]
        role = asked.role or user.options.get("DEFAULT_ROLE", "PUBLIC")
        offline = asked.offline and one.flag("OAUTH_ISSUE_REFRESH_TOKENS", True)
        return Family(
            id=secrets.token_hex(16),
            integration=one.name,
            user=user.name,
            role=role,
            scope=scopes.written(role, asked.any_role, offline),
            any_role=asked.any_role,
            offline=offline,
        )


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode(), kept.encode())


def _back(wanted: Request, answer: dict[str, str]) -> Response:
    """Send the browser back; what the redirect address carried as its query stays."""
    if wanted.state:
        answer["state"] = wanted.state
    parts = urlsplit(wanted.redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return pages.redirect(urlunsplit(parts._replace(query=query)))
