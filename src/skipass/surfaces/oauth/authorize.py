"""The authorization endpoint: a signed-in person lets a program act for them, or does not.

The command line on their own machine acts as them; every other client is asked about on a page of its own.

Source: RFC 6749 §3.1 and §4.1; RFC 7636 §4.3; RFC 8252 §7.3; RFC 9207 §2
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.tokens_issued import CHALLENGE, CLI, check_redirect
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, signed_in
from skipass.surfaces.edge.return_to import AUTHORIZE_NAMES, authorize_path
from skipass.surfaces.oauth.consent import ConsentPage, purpose
from skipass.surfaces.oauth.sign_in import PAGES


class Authorize:
    """`/oauth/authorize`."""

    def __init__(self, gateway: Gateway, cookies: Cookies) -> None:
        self._gateway, self._cookies = gateway, cookies
        self._consent = ConsentPage(gateway, cookies)

    async def ask(self, asked: Asked) -> Reply:
        """Show who would act as whom; anything wrong goes back to the client once it is known to be one."""
        query = asked.named()
        if query.get("client_id") != CLI:
            return await self._consent.ask(asked)
        check_redirect(query.get("redirect_uri", ""))
        if error := _wrong(query):
            return self._back(query, error=error)
        given = await signed_in(self._gateway.sign_ins, self._cookies, asked)
        if given is None:
            return moved(f"/sign-in?to={quote(authorize_path(query), safe='')}")
        asked_for = {name: query.get(name, "") for name in AUTHORIZE_NAMES}
        form = form_token(given.cookie, purpose(query))
        where = urlsplit(query["redirect_uri"]).netloc
        return PAGES.html(
            "authorize.html",
            to=f"http://{where}",
            me=given.principal.user_name,
            where=where,
            asked=asked_for,
            form=form,
        )

    async def answer(self, asked: Asked) -> Reply:
        """Send the browser back to the command line, with a code or with the refusal."""
        form = asked.form((*AUTHORIZE_NAMES, "form", "word"))
        if form["client_id"] != CLI:
            return await self._consent.answer(asked)
        check_redirect(form["redirect_uri"])
        given = await signed_in(self._gateway.sign_ins, self._cookies, asked)
        if given is None:
            raise SkipassError("sign_in_required", hint="Start again from the command line.")
        check_form(given.cookie, purpose(form), form["form"])
        error = _wrong(form) or ("" if form["word"] == "allow" else "access_denied")
        if error:
            return self._back(form, error=error)
        code = await self._gateway.tokens.code(given.principal, form["redirect_uri"], form["code_challenge"])
        return self._back(form, code=code.reveal())

    def _back(self, query: Mapping[str, str], **answer: str) -> Reply:
        told = {**answer, "state": query.get("state", ""), "iss": self._gateway.deps.base_url}
        return moved(f"{query['redirect_uri']}?{urlencode(told)}")


def _wrong(query: Mapping[str, str]) -> str:
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    usable = CHALLENGE.fullmatch(query.get("code_challenge", "")) and query.get("code_challenge_method") == "S256"
    return "" if usable and len(query.get("state", "")) <= 200 else "invalid_request"
