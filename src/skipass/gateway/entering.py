"""Signing in with the company's identity provider: a browser is sent off, and what it brings back is checked.

State, nonce and PKCE verifier all follow from one text that only the browser has, in a cookie: nothing is stored for
somebody who never comes back, and an answer that another browser brings fits nothing. Knows no page.
Source: OpenID Connect Core 1.0 §3.1; RFC 9700 §2.1 and §4; RFC 9207 §2.4
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.admitting import Turned, admit
from skipass.gateway.deps import Deps
from skipass.gateway.metrics import SIGN_IN_REFUSALS
from skipass.gateway.oidc import Oidc
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.signins import begin_sign_in
from skipass.identity.id_token import SKEW_S, Expected, kid_of, verified
from skipass.identity.provider import IdentityProvider, Who, who
from skipass.ids import digest
from skipass.nouns.connection import Connection
from skipass.nouns.people import Tenant, User
from skipass.nouns.signin import SignIn
from skipass.secret import Secret
from skipass.snowflake.auth.oauth import Proof

LIFE_S = 600
PROVED_S = 300
"""How long ago a person may have proved who they are, where a decision hangs on it."""
CALLBACK = "/oauth/sign-in/callback"
_FRESH = "f"
_COOKIE = re.compile(r"(?P<made>[0-9a-f]{1,12})\.[A-Za-z0-9_-]{43}(?P<fresh>\.f)?")
_AGAIN = "Start the sign-in again."


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a browser goes to sign in, and the text it keeps meanwhile."""

    url: str
    cookie: Secret[str]


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody is signed in: who, the text of the sign-in, and what was to be opened then."""

    user: User
    text: Secret[str]
    to: str


class Entering:
    """The use cases of signing in with an identity provider."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._oidc = Oidc(deps.provider, deps.upstream.egress, deps.clock) if deps.provider else None

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends browsers back to; it is registered there, character by character."""
        return f"{self._deps.base_url}{CALLBACK}"

    async def start(self, to: str, *, fresh: bool) -> Sent:
        """Return where to send a browser; with `fresh` the provider asks the person again, whoever is signed in there.

        Raises `not_found` without an identity provider, `provider_unavailable`.
        """
        oidc, provider = self._known()
        published = await oidc.published()
        made = int(self._deps.journal.now().timestamp())
        cookie = f"{made:x}.{secrets.token_urlsafe(32)}{'.' + _FRESH if fresh else ''}"
        query = {
            "client_id": provider.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": _state(cookie, to),
            "nonce": _nonce(cookie),
            "code_challenge": Proof(_verifier(cookie)).challenge,
            "code_challenge_method": "S256",
        }
        query |= {"prompt": "login", "max_age": "0"} if fresh else {}
        joint = "&" if urlsplit(published.authorization_endpoint).query else "?"
        url = f"{published.authorization_endpoint}{joint}{urlencode(query, quote_via=quote)}"
        return Sent(url, Secret(cookie))

    async def land(self, query: Mapping[str, str], cookie: Secret[str] | None) -> Entered:
        """Return who signed in, once the answer is of this browser, this provider and this sign-in, for the first time.

        Raises `sign_in_failed`, `provider_unavailable`, `forbidden` for somebody the provider knows and we do not.
        """
        try:
            return await self._land(query, cookie)
        except SkipassError as error:
            SIGN_IN_REFUSALS.labels(error.code).inc()
            raise

    async def _land(self, query: Mapping[str, str], cookie: Secret[str] | None) -> Entered:
        oidc, provider = self._known()
        text, to = self._same_browser(query.get("state", ""), cookie)
        await _from(oidc, query)
        if error := query.get("error"):
            said = query.get("error_description") or error
            raise SkipassError("sign_in_failed", f"The identity provider says: {said[:200]}", _AGAIN)
        if not query.get("code"):
            raise SkipassError("sign_in_failed", "The answer brings no code.", _AGAIN)
        proof = digest(b"sign-in proof/1", text.encode())
        await self._deps.journal.read(lambda reader: _unused(reader, proof))
        token = await oidc.exchange(Secret(query["code"]), verifier=_verifier(text), redirect_uri=self.redirect_uri)
        fresh = text.endswith(f".{_FRESH}")
        expected = Expected(
            provider.issuer,
            provider.client_id,
            _nonce(text),
            int(self._deps.journal.now().timestamp()),
            PROVED_S if fresh else None,
        )
        claims = verified(token, await oidc.key(kid_of(token)), expected)
        return await self._enter(provider, claims, proof, to, fresh=fresh)

    def _known(self) -> tuple[Oidc, IdentityProvider]:
        if self._oidc is None:
            hint = "An operator connects one: SKIPASS_OIDC_ISSUER."
            raise SkipassError("not_found", "No identity provider is connected.", hint)
        return self._oidc, self._oidc.provider

    def _same_browser(self, state: str, cookie: Secret[str] | None) -> tuple[str, str]:
        """Return the cookie's text and what the state carries, if they belong together and are minutes old."""
        to = _carried(state)
        text = cookie.reveal() if cookie else ""
        ours = _COOKIE.fullmatch(text)
        if ours is None or not hmac.compare_digest(_state(text, to).encode(), state.encode("utf-8", "replace")):
            raise SkipassError("sign_in_failed", "The answer is not of a sign-in that began in this browser.", _AGAIN)
        if not -SKEW_S <= int(self._deps.journal.now().timestamp()) - int(ours["made"], 16) <= LIFE_S:
            raise SkipassError("sign_in_failed", "The sign-in took longer than ten minutes.", _AGAIN)
        return text, to

    async def _enter(
        self, provider: IdentityProvider, claims: Mapping[str, Any], proof: str, to: str, *, fresh: bool
    ) -> Entered:
        async def enter(unit: UnitOfWork) -> Entered | Turned:
            await _unused(unit, proof)
            (tenant,) = await unit.find(Tenant, limit=1)
            person = who(provider, claims, await _named_claims(unit, tenant.id))
            user = await admit(unit, tenant.id, provider, person)
            if isinstance(user, Turned):
                _tell(unit, tenant.id, person, user)
                return user
            proved_at = datetime.fromtimestamp(int(claims["auth_time"]), UTC) if fresh else None
            facts = {"issuer": provider.issuer, "fresh": fresh}
            text = await begin_sign_in(
                unit, user, made_by=provider.issuer, proved_at=proved_at, facts=facts, proof=proof
            )
            return Entered(user, text, to)

        entered = await self._deps.journal.write(enter)
        if isinstance(entered, Turned):
            raise entered.why
        return entered


def _tell(unit: UnitOfWork, tenant_id: str, person: Who, turned: Turned) -> None:
    """Put on record who came with the provider's word and was turned away."""
    facts = {"code": turned.why.code, "why": turned.why.message, "subject": person.subject}
    unit.emit(Event(tenant_id, "sign_in.refused", turned.user.id if turned.user else tenant_id, facts))


async def _from(oidc: Oidc, query: Mapping[str, str]) -> None:
    """Pass for an answer of this provider: `iss` is its name wherever it is given, and has to be where it says so."""
    published = await oidc.published()
    given = query.get("iss")
    if given != oidc.provider.issuer and (given is not None or published.names_itself):
        raise SkipassError("sign_in_failed", "The answer is of another issuer.", _AGAIN)


async def _unused(reader: Reader, proof: str) -> None:
    if await reader.find(SignIn, proof=proof, limit=1):
        raise SkipassError("sign_in_failed", "This sign-in has been used already.", _AGAIN)


async def _named_claims(reader: Reader, tenant_id: str) -> frozenset[str]:
    """Return the claims that connections name as a login."""
    found = await reader.find(Connection, tenant_id=tenant_id)
    return frozenset(str(one.settings["login_claim"]) for one in found if one.settings.get("login_claim"))


def _state(cookie: str, to: str) -> str:
    carried = base64.urlsafe_b64encode(to.encode()).rstrip(b"=").decode()
    return f"{digest(b'sign-in state/1', cookie.encode(), to.encode())}.{carried}"


def _carried(state: str) -> str:
    part = state.partition(".")[2]
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
    except (ValueError, binascii.Error, UnicodeError):
        return ""


def _nonce(cookie: str) -> str:
    return digest(b"sign-in nonce/1", cookie.encode())


def _verifier(cookie: str) -> Secret[str]:
    return Secret(digest(b"sign-in verifier/1", cookie.encode()))
