"""Tokens that our own authorization server gives: to agents for their secret, to the command line for a person's code.

Every token is one of `skipass.identity.keys`: opaque, short-lived, kept as a hash. Knows no form and no header.
Source: RFC 6749 §4.1.3, §4.4 and §5.2; RFC 7636 §4.6; RFC 8252 §7.3
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.authenticate import Authenticator, key_of
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.rates import Rate
from skipass.identity.keys import LOGIN_LIFE, Issued, hashed, issue
from skipass.ids import new_id
from skipass.nouns.grants import AuthCode
from skipass.nouns.people import Agent, ApiKey, KeyUse, Life, User
from skipass.nouns.principal import Principal
from skipass.secret import Secret
from skipass.snowflake.auth.oauth import Proof

CLI = "skipass-cli"
"""The client that the command line of this program is."""
CODE_LIFE = timedelta(seconds=60)
TOKEN_LIFE = timedelta(hours=1)
TOKENS_A_MINUTE = 60
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]):[0-9]{1,5}/callback", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


class TokenRefused(SkipassError):
    """A refusal of the token endpoint; `error` is its code of RFC 6749 §5.2 or RFC 8628 §3.5."""

    def __init__(self, error: str, message: str, *, code: str = "invalid_request") -> None:
        super().__init__(code, message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Granted:
    """A token that was given, in this answer only, and whose it is."""

    text: Secret[str]
    expires_in_s: int
    name: str


class Tokens:
    """The use cases of tokens that are given for something else."""

    def __init__(self, deps: Deps, authenticator: Authenticator) -> None:
        self._deps, self._authenticator = deps, authenticator
        self._rate = Rate(deps.clock, TOKENS_A_MINUTE, 60.0)

    async def by_secret(self, client_id: str, secret: Secret[str]) -> Granted:
        """Return a token of an agent for its client secret; `client_id` is its id or its name.

        Raises `invalid_client` for anything else, without saying which part of it was wrong; the refusal is on record.
        """
        key, agent = await self._deps.journal.read(lambda reader: _client(reader, client_id, secret))
        if agent is None:
            self._authenticator.record_refusal("unauthenticated", key)
            raise TokenRefused("invalid_client", "The client is unknown, or its secret wrong.", code="unauthenticated")
        if not self._rate.take(agent.id):
            raise TokenRefused("temporarily_unavailable", "Use a token for the hour it is good for.")

        async def give(unit: UnitOfWork) -> Issued:
            return await _give(unit, issue(agent.tenant_id, KeyUse.AGENT_TOKEN, agent.id, unit.now, TOKEN_LIFE))

        return granted(await self._deps.journal.write(give), agent.name, TOKEN_LIFE)

    async def code(self, principal: Principal, redirect_uri: str, challenge: str) -> Secret[str]:
        """Return a code by which the command line becomes this person, signed in with a browser."""
        check_redirect(redirect_uri)
        if principal.sign_in_id is None or principal.user_id is None:
            raise SkipassError("sign_in_required")
        if not CHALLENGE.fullmatch(challenge):
            raise SkipassError("invalid_request", "The request carries no S256 challenge.")
        text, user_id = secrets.token_urlsafe(32), principal.user_id

        async def make(unit: UnitOfWork) -> None:
            made = AuthCode(
                id=new_id("code", unit.now),
                tenant_id=principal.tenant_id,
                client_id=CLI,
                user_id=user_id,
                hash=hashed(text),
                redirect_uri=redirect_uri,
                challenge=challenge,
                created_at=unit.now,
                expires_at=unit.now + CODE_LIFE,
            )
            await unit.insert(made)
            facts = {"user_id": user_id, "client": CLI, "sign_in": principal.sign_in_id}
            unit.emit(Event(principal.tenant_id, "code.made", made.id, facts))

        await self._deps.journal.write(make)
        return Secret(text)

    async def by_code(self, client_id: str, code: str, *, redirect_uri: str, verifier: str) -> Granted:
        """Return a person's token for a code; a code that comes twice ends the token it was traded for."""

        async def trade(unit: UnitOfWork) -> Granted | None:
            found = await unit.find(AuthCode, hash=hashed(code), client_id=client_id, limit=1)
            found = [one for one in found if one.consent_id is None]
            if found and found[0].used_at is not None:
                await _revoke(unit, found[0].key_id)
            good = bool(found) and fits(found[0], redirect_uri, verifier) and found[0].expires_at > unit.now
            if not good or found[0].used_at is not None:
                return None
            user = await unit.get(User, found[0].user_id, state=Life.ACTIVE)
            if user is None:
                return None
            issued = await give_login(unit, user, found[0].id)
            await unit.change(found[0], used_at=unit.now, key_id=issued.key.id)
            return granted(issued, user.name, LOGIN_LIFE)

        given = await self._deps.journal.write(trade)
        if given is None:
            raise TokenRefused("invalid_grant", "The code is unknown, used, too old, or of another sign-in.")
        return given


def granted(issued: Issued, name: str, life: timedelta) -> Granted:
    """Return a new credential as a token that was given."""
    return Granted(issued.text, int(life.total_seconds()), name)


def check_redirect(uri: str) -> None:
    """Pass for the command line's own listener: this machine's address, whatever the port, and nothing else."""
    if not _LOOPBACK.fullmatch(uri):
        hint = "It is http://127.0.0.1:PORT/callback."
        raise SkipassError("invalid_request", "The redirect address is not one of this client's.", hint)


async def give_login(unit: UnitOfWork, user: User, by: str) -> Issued:
    """Issue a person's token for the command line; it never decides."""
    return await _give(unit, issue(user.tenant_id, KeyUse.LOGIN, user.id, unit.now, LOGIN_LIFE), by)


async def _give(unit: UnitOfWork, issued: Issued, by: str | None = None) -> Issued:
    key = issued.key
    await unit.insert(key)
    facts = {"owner": key.owner_id, "prefix": key.prefix, "use": key.use} | ({"by": by} if by else {})
    unit.emit(Event(key.tenant_id, "key.created", key.id, facts))
    return issued


async def _client(reader: Reader, client_id: str, secret: Secret[str]) -> tuple[ApiKey | None, Agent | None]:
    key = await key_of(reader, secret.reveal())
    if key is None or key.use is not KeyUse.CLIENT_SECRET:
        return key, None
    agent = await reader.get(Agent, key.owner_id, tenant_id=key.tenant_id, state=Life.ACTIVE)
    return key, agent if agent is not None and client_id in (agent.id, agent.name) else None


def fits(code: AuthCode, redirect_uri: str, verifier: str) -> bool:
    """Return whether a code was made for this redirect address and the challenge of this verifier.

    Source: RFC 6749 §4.1.3; RFC 7636 §4.6
    """
    usable = _VERIFIER.fullmatch(verifier) is not None
    challenge = Proof(Secret(verifier)).challenge if usable else ""
    return hmac.compare_digest(code.challenge.encode(), challenge.encode()) and code.redirect_uri == redirect_uri


async def _revoke(unit: UnitOfWork, key_id: str | None) -> None:
    key = await unit.get(ApiKey, key_id)
    if key is not None and key.revoked_at is None:
        await unit.change(key, revoked_at=unit.now)
        unit.emit(Event(key.tenant_id, "key.revoked", key.id, {"owner": key.owner_id, "why": "its code came twice"}))
