"""Tokens of MCP clients: a code for a consent, a pair of tokens for the code, a new pair for the refresh token.

A refresh token is good once. The same one again within half a minute, before its successor was used, is taken for a
client whose answer was lost and gets that very successor; anything else ends the whole family, for one of the two who
show it is a thief. Knows no form and no header.
Source: RFC 6749 §4.1, §5 and §6; RFC 7009 §2; RFC 7636 §4.6; RFC 8707 §2; RFC 9700 §4.13 and §4.14
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.consents import Wish, give, revoke_family
from skipass.gateway.deps import Deps
from skipass.gateway.oauth_scopes import ordered
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rates import Rate
from skipass.gateway.tokens_issued import CHALLENGE, CODE_LIFE, TokenRefused, fits
from skipass.identity.keys import hashed, issue
from skipass.ids import new_id
from skipass.nouns.grants import AuthCode
from skipass.nouns.oauth import Consent, OAuthClient, RefreshToken, TokenFamily
from skipass.nouns.people import Agent, ApiKey, KeyUse, Life, User
from skipass.nouns.principal import Principal
from skipass.secret import Secret

IDLE_LIFE, FAMILY_LIFE = timedelta(days=30), timedelta(days=90)
"""A refresh token that is not used ends after the first, and all of a sign-in after the second."""
GRACE = timedelta(seconds=30)
ATTEMPTS = 5
REFRESHES_A_MINUTE = 60
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and the refresh token to get the next one with, in this answer only."""

    access: Secret[str]
    refresh: Secret[str]
    expires_in_s: int
    scopes: tuple[str, ...]


class ClientTokens:
    """The use cases of MCP clients' tokens."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._rate = Rate(deps.clock, REFRESHES_A_MINUTE, 60.0)

    async def code(self, principal: Principal, wish: Wish, challenge: str) -> Secret[str]:
        """Return a code for what a person, signed in with a browser, has just agreed to; the consent is kept with it.

        Raises `sign_in_required`, `not_found` where the slug does not let them in, `forbidden` for a stopped client.
        """
        if principal.sign_in_id is None or principal.user_id is None:
            raise SkipassError("sign_in_required")
        if not CHALLENGE.fullmatch(challenge):
            raise SkipassError("invalid_request", "The request carries no S256 challenge.")
        text, user_id = secrets.token_urlsafe(32), principal.user_id

        async def make(unit: UnitOfWork) -> None:
            consent = await give(unit, self._deps.base_url, principal, wish)
            made = AuthCode(
                id=new_id("code", unit.now),
                tenant_id=principal.tenant_id,
                client_id=consent.client_id,
                user_id=user_id,
                hash=hashed(text),
                redirect_uri=wish.redirect_uri,
                challenge=challenge,
                created_at=unit.now,
                expires_at=unit.now + CODE_LIFE,
                resource=wish.resource,
                scopes=wish.scopes,
                consent_id=consent.id,
            )
            await unit.insert(made)
            facts = {"user_id": user_id, "client": consent.client_id, "consent": consent.id}
            unit.emit(Event(principal.tenant_id, "code.made", made.id, facts | {"sign_in": principal.sign_in_id}))

        await self._settled(make)
        return Secret(text)

    async def by_code(self, client: OAuthClient, code: str, *, redirect_uri: str, verifier: str, resource: str) -> Pair:
        """Return the first tokens for a code; a code that comes twice ends everything it was traded for.

        Raises `invalid_grant`, and `invalid_target` where another resource is named than was agreed to.
        """

        async def trade(unit: UnitOfWork) -> Pair | TokenRefused:
            found = await unit.find(AuthCode, hash=hashed(code), limit=1)
            if not found or found[0].client_id != client.id or found[0].consent_id is None:
                return _no_code()
            if found[0].used_at is not None:
                await _end(unit, found[0].family_id, "its code came twice")
                return _no_code()
            if not fits(found[0], redirect_uri, verifier) or found[0].expires_at <= unit.now:
                return _no_code()
            if resource and resource != found[0].resource:
                return TokenRefused("invalid_target", "The code is for another resource.")
            return await self._first(unit, found[0])

        return _given(await self._settled(trade))

    async def _first(self, unit: UnitOfWork, code: AuthCode) -> Pair | TokenRefused:
        consent = await unit.get(Consent, code.consent_id, revoked_at=None)
        if consent is None or not await _alive(unit, consent.client_id, consent.user_id, consent.agent_id):
            return _no_code()
        family = TokenFamily(
            id=new_id("family", unit.now),
            tenant_id=consent.tenant_id,
            consent_id=consent.id,
            client_id=consent.client_id,
            user_id=consent.user_id,
            agent_id=consent.agent_id,
            resource=consent.resource,
            scopes=ordered(code.scopes),
            created_at=unit.now,
        )
        await unit.insert(family)
        await unit.change(code, used_at=unit.now, family_id=family.id)
        text = new_text()
        await unit.insert(_refresh_token(family, text, unit.now))
        return await self._pair(unit, family, text, code.id)

    async def by_refresh(self, client: OAuthClient, text: str, *, resource: str, scope: str) -> Pair:
        """Return new tokens for a refresh token, which is used up by this.

        Raises `invalid_grant`, `invalid_target`, and `invalid_scope` where more is asked for than was agreed to.
        """
        if not self._rate.take(hashed(text)):
            raise TokenRefused("temporarily_unavailable", "Use a token for the time it is good for.")

        async def turn(unit: UnitOfWork) -> Pair | TokenRefused:
            found = await unit.find(RefreshToken, hash=hashed(text), limit=1)
            family = await unit.get(TokenFamily, found[0].family_id) if found else None
            if family is None or family.revoked_at is not None:
                return _no_token()
            if family.client_id != client.id:
                await revoke_family(unit, family, "another client showed its refresh token")
                return _no_token()
            if not await _alive(unit, family.client_id, family.user_id, family.agent_id):
                return _no_token()
            wrong = _beyond(family, resource, scope)
            return wrong or await self._turned(unit, family, found[0], text)

        return _given(await self._settled(turn))

    async def _turned(
        self, unit: UnitOfWork, family: TokenFamily, token: RefreshToken, text: str
    ) -> Pair | TokenRefused:
        after = successor(text, token.salt)
        if token.used_at is not None:
            next_one = await unit.get(RefreshToken, token.successor_id)
            lost = next_one is not None and next_one.used_at is None and unit.now - token.used_at <= GRACE
            if not lost:
                await revoke_family(unit, family, "a used refresh token came again")
                return _no_token()
            return await self._pair(unit, family, after, token.id)
        if token.expires_at <= unit.now or family.created_at + FAMILY_LIFE <= unit.now:
            return _no_token()
        made = _refresh_token(family, after, unit.now)
        await unit.insert(made)
        await unit.change(token, used_at=unit.now, successor_id=made.id)
        return await self._pair(unit, family, after, token.id)

    async def revoke(self, client: OAuthClient, text: str) -> None:
        """End the family of a client's token, access or refresh; for anything else do nothing, and say nothing.

        Source: RFC 7009 §2.1 and §2.2
        """

        async def revoke(unit: UnitOfWork) -> None:
            family = await unit.get(TokenFamily, await _family_of(unit, text), client_id=client.id, revoked_at=None)
            if family is not None:
                await revoke_family(unit, family, "its client gave it back")

        await self._settled(revoke)

    async def _pair(self, unit: UnitOfWork, family: TokenFamily, refresh: str, by: str) -> Pair:
        life = self._deps.mcp_clients.access_life
        issued = issue(family.tenant_id, KeyUse.MCP_TOKEN, family.agent_id, unit.now, life, family.id)
        await unit.insert(issued.key)
        facts = {"owner": family.agent_id, "prefix": issued.key.prefix, "use": KeyUse.MCP_TOKEN, "by": by}
        unit.emit(Event(family.tenant_id, "key.created", issued.key.id, facts | {"family": family.id}))
        return Pair(issued.text, Secret(refresh), int(life.total_seconds()), family.scopes)

    async def _settled(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Return what `work` comes to, begun anew where another replica changed the same rows first."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._deps.journal.write(work)
            except SkipassError as error:
                if error.code != "conflict":
                    raise
        return await self._deps.journal.write(work)


def new_text() -> str:
    """Return the text of a first refresh token: 256 random bits."""
    return f"skr_{secrets.token_urlsafe(32)}"


def successor(text: str, salt: str) -> str:
    """Return the text of the refresh token that follows one: the same every time, and nobody's without both."""
    made = hmac.new(text.encode("utf-8", "surrogatepass"), f"refresh/1\0{salt}".encode(), hashlib.sha256).digest()
    return f"skr_{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def _refresh_token(family: TokenFamily, text: str, now: datetime) -> RefreshToken:
    salt, made = secrets.token_urlsafe(32), new_id("refresh", now)
    return RefreshToken(made, family.tenant_id, family.id, hashed(text), salt, now, now + IDLE_LIFE)


def _beyond(family: TokenFamily, resource: str, scope: str) -> TokenRefused | None:
    """Return the refusal of a request for more than the family is for. Source: RFC 6749 §6; RFC 8707 §2.2"""
    if resource and resource != family.resource:
        return TokenRefused("invalid_target", "The token is for another resource.")
    if not set(scope.split()) <= set(family.scopes):
        return TokenRefused("invalid_scope", "More is asked for than the person agreed to.")
    return None


async def _alive(reader: Reader, client_id: str, user_id: str, agent_id: str) -> bool:
    """Return whether client, person and agent are all still active."""
    client = await reader.get(OAuthClient, client_id, state=Life.ACTIVE)
    user, agent = await reader.get(User, user_id, state=Life.ACTIVE), await reader.get(Agent, agent_id)
    return client is not None and user is not None and agent is not None and agent.state is Life.ACTIVE


async def _end(unit: UnitOfWork, family_id: str | None, why: str) -> None:
    family = await unit.get(TokenFamily, family_id, revoked_at=None)
    if family is not None:
        await revoke_family(unit, family, why)


async def _family_of(reader: Reader, text: str) -> str | None:
    refresh = await reader.find(RefreshToken, hash=hashed(text), limit=1)
    if refresh:
        return refresh[0].family_id
    access = await reader.find(ApiKey, hash=hashed(text), use=KeyUse.MCP_TOKEN, limit=1)
    return access[0].family_id if access else None


def _given(answer: Pair | TokenRefused) -> Pair:
    if isinstance(answer, TokenRefused):
        raise answer
    return answer


def _no_code() -> TokenRefused:
    return TokenRefused("invalid_grant", "The code is unknown, used, too old, or of another sign-in.")


def _no_token() -> TokenRefused:
    return TokenRefused("invalid_grant", "The refresh token is unknown, used, too old, or was revoked.")
