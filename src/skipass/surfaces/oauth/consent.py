"""The consent of a signed-in person to an MCP client: who asks, where the answer goes, at which slug, for what.

Until client and redirect address are known to belong together, nothing is sent anywhere; from there on every answer
carries `state` and `iss`. Source: RFC 6749 §4.1.1 and §4.1.2; RFC 8252 §8.6; RFC 8707 §2.1; RFC 9207 §2;
MCP Security Best Practices, Confused Deputy Problem
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from skipass.errors import SkipassError
from skipass.gateway.consents import Wish, slug_of
from skipass.gateway.core import Gateway
from skipass.gateway.oauth_redirects import allowed, answered, check_address, is_loopback, origin_of
from skipass.gateway.oauth_scopes import SCOPES, wanted
from skipass.gateway.tokens_issued import CHALLENGE
from skipass.nouns.oauth import ClientKind, OAuthClient
from skipass.surfaces.edge.cookies import Cookies, check_form, form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn, caller, signed_in
from skipass.surfaces.edge.return_to import AUTHORIZE_NAMES, authorize_path
from skipass.surfaces.oauth.sign_in import PAGES

_MOST_STATE = 1000


class ConsentPage:
    """`/oauth/authorize` for every client but the command line."""

    def __init__(self, gateway: Gateway, cookies: Cookies) -> None:
        self._gateway, self._cookies = gateway, cookies

    async def ask(self, asked: Asked) -> Reply:
        """Ask the person, unless they agreed to all of it before; anything wrong goes back to a client that is known.

        A document is fetched for signed-in people only, so nobody is sent anywhere, nor anything asked, before that.
        """
        query = asked.named()
        given = await signed_in(self._gateway.sign_ins, self._cookies, asked)
        if given is None:
            return self._to_sign_in(query)
        client = await self._known(given, query)
        wish, error = await self._wish(given, client, query)
        if wish is None:
            return self._back(query, **error)
        if "consent" not in query.get("prompt", "").split() and await self._gateway.consents.covers(
            given.principal, wish
        ):
            return await self._agreed(given, wish, query)
        return _page(given, wish, query)

    async def answer(self, asked: Asked) -> Reply:
        """Send the browser back with a code or with the refusal, once the form is of this person and this request."""
        form = asked.form((*AUTHORIZE_NAMES, "form", "word"))
        given = await caller(self._gateway.sign_ins, self._cookies, asked)
        check_form(given.cookie, purpose(form), form["form"])
        wish, error = await self._wish(given, await self._known(given, form), form)
        if wish is None:
            return self._back(form, **error)
        if form["word"] != "allow":
            return self._back(form, error="access_denied", error_description="The person said no.")
        return await self._agreed(given, wish, form)

    def _to_sign_in(self, query: Mapping[str, str]) -> Reply:
        """Send nobody to sign in for a request that cannot be one: its address has to be one that may be registered."""
        check_address(query.get("redirect_uri", ""), self._gateway.deps.mcp_clients.schemes)
        if not query.get("client_id"):
            raise _no_client()
        return moved(f"/sign-in?to={quote(authorize_path(query), safe='')}")

    async def _known(self, given: SignedIn, query: Mapping[str, str]) -> OAuthClient:
        """Return the client if the redirect address is its own; raises `invalid_request`, which is shown here."""
        client_id, principal = query.get("client_id", ""), given.principal
        if not client_id or len(client_id) > 1000:
            raise _no_client()
        person = principal.user_id or ""
        client = await self._gateway.oauth_clients.asked_for(client_id, principal.tenant_id, person)
        uri = query.get("redirect_uri", "")
        if not uri or not allowed(uri, client.redirect_uris):
            hint = "The browser stays here. Tell the makers of the program."
            raise SkipassError("invalid_request", "The redirect address is not one of this client's.", hint)
        check_address(uri, self._gateway.deps.mcp_clients.schemes)
        return client

    async def _wish(
        self, given: SignedIn, client: OAuthClient, query: Mapping[str, str]
    ) -> tuple[Wish | None, Mapping[str, str]]:
        """Return what is asked for, or the error to send back."""
        error, scopes = _wrong(query), wanted(query.get("scope", ""))
        resource = query.get("resource", "")
        if not error and not scopes:
            error = {"error": "invalid_scope", "error_description": f"The scopes here are {' '.join(SCOPES)}."}
        if not error and await self._gateway.consents.server(given.principal, resource, client) is None:
            why = "There is no MCP server at this address for this person and client; an admin lets them in."
            error = {"error": "invalid_target", "error_description": why}
        return (None, error) if error else (Wish(client, resource, scopes, query["redirect_uri"]), {})

    async def _agreed(self, given: SignedIn, wish: Wish, query: Mapping[str, str]) -> Reply:
        code = await self._gateway.client_tokens.code(given.principal, wish, query["code_challenge"])
        return self._back(query, code=code.reveal())

    def _back(self, query: Mapping[str, str], **answer: str) -> Reply:
        state = {"state": query["state"]} if query.get("state") else {}
        told = {**answer, **state, "iss": self._gateway.deps.base_url}
        return moved(answered(query["redirect_uri"], told))


def purpose(query: Mapping[str, str]) -> str:
    """Return what a form on this page is for: exactly this request."""
    return "\0".join(("authorize", *(query.get(name, "") for name in AUTHORIZE_NAMES)))


def _wrong(query: Mapping[str, str]) -> Mapping[str, str]:
    if query.get("response_type") != "code":
        return {"error": "unsupported_response_type"}
    usable = CHALLENGE.fullmatch(query.get("code_challenge", "")) and query.get("code_challenge_method") == "S256"
    if not usable or len(query.get("state", "")) > _MOST_STATE:
        return {"error": "invalid_request", "error_description": "PKCE with S256 is needed, and a state of a page."}
    return {"error": "login_required"} if query.get("prompt") == "none" else {}


def _page(given: SignedIn, wish: Wish, query: Mapping[str, str]) -> Reply:
    client, to = wish.client, origin_of(wish.redirect_uri)
    document = client.kind is ClientKind.DOCUMENT
    return PAGES.html(
        "consent.html",
        to=to,
        me=given.principal.user_name,
        client=client.name,
        kind=client.kind.value,
        host=urlsplit(client.client_id).netloc if document else None,
        goes_to=to,
        loopback=is_loopback(wish.redirect_uri),
        slug=slug_of(wish.resource),
        resource=wish.resource,
        scopes=[(one, SCOPES[one]) for one in wish.scopes],
        asked={name: query.get(name, "") for name in AUTHORIZE_NAMES},
        form=form_token(given.cookie, purpose(query)),
    )


def _no_client() -> SkipassError:
    return SkipassError("invalid_request", "There is no such client.", "Start again from the program.")
