"""The gateway as the issuer that a Snowflake account trusts: a token for one login, one role and one session.

Nothing is stored for a user. A token lives in memory, ends with its session or after five minutes, whichever comes
first, and its making is on record before it is used.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.upstream import credential_place
from skipass.gateway.way_out import Out
from skipass.nouns.connection import Connection
from skipass.secret import Secret
from skipass.snowflake.account import parse_account
from skipass.snowflake.auth.keypair import sign
from skipass.snowflake.auth.keys import load_private_key
from skipass.snowflake.auth.tokens import Token, TokenType
from skipass.snowflake.auth.vouched import vouching_claims
from skipass.vault.seal import unseal

LIFE = timedelta(minutes=5)
SPARE = timedelta(seconds=30)
"""A token is used until it has this long to live, or half of its life where that is shorter."""

Key = tuple[str, str, str, str, str | None]


def issuer_url(base_url: str, connection: Connection) -> str:
    """Return the `iss` of a connection's tokens; its documents are below it."""
    return f"{base_url}/issuers/{connection.id}"


def audience_of(connection: Connection) -> str:
    """Return the `aud` of a connection's tokens: its account's URL, and no other."""
    return parse_account(connection.account).url


@dataclass(frozen=True, slots=True)
class _Minted:
    token: Token
    made_at: datetime
    ends_at: datetime


@dataclass(slots=True)
class Issuer:
    """Mints tokens, one at a time for each login, role and session."""

    deps: Deps
    _minted: dict[Key, _Minted] = field(default_factory=dict)
    _turns: dict[Key, asyncio.Lock] = field(default_factory=dict)

    def tokens(self, out: Out) -> Vouched:
        """Return the token source of a way out."""
        return Vouched(self, out)

    def drop(self, session_id: str) -> None:
        """Drop what was minted for a session."""
        for key in [key for key in self._minted if key[4] == session_id]:
            del self._minted[key]

    async def token(self, out: Out) -> Token:
        """Return a token that is good now; raises `consent_required` without a login, `expired` at the session's end.

        The event `token.minted` is durable before a new one is returned.
        """
        key = _key(out)
        async with self._turns.setdefault(key, asyncio.Lock()):
            kept, now = self._minted.get(key), self.deps.journal.now()
            if kept is not None and kept.ends_at - now > min(SPARE, (kept.ends_at - kept.made_at) / 2):
                return kept.token
            minted = self._minted[key] = await self._mint(out, now)
        self._forget_old(now)
        return minted.token

    def refused(self, out: Out, token: Token) -> bool:
        """Forget a refused token; True if another one could fare better, since this was not a fresh one."""
        kept = self._minted.get(_key(out))
        if kept is None or kept.token != token:
            return kept is not None
        del self._minted[_key(out)]
        return self.deps.journal.now() - kept.made_at > SPARE

    async def _mint(self, out: Out, now: datetime) -> _Minted:
        ends_at = min(now + LIFE, out.until or now + LIFE)
        if ends_at <= now:
            raise SkipassError("expired", "The session has ended.", "Ask for a new session.")
        token_id = secrets.token_urlsafe(16)
        claims = vouching_claims(
            issuer=issuer_url(self.deps.base_url, out.connection),
            audience=audience_of(out.connection),
            login=out.login or "",
            role=out.role or out.connection.role,
            token_id=token_id,
            now_s=int(now.timestamp()),
            ends_s=int(ends_at.timestamp()),
        )
        private = load_private_key(unseal(self.deps.kek, out.credential.sealed, credential_place(out.credential)))
        text = sign(claims, private, out.credential.fingerprint)
        await self._record(out, token_id, ends_at)
        return _Minted(Token(Secret(text), TokenType.OAUTH), now, ends_at)

    async def _record(self, out: Out, token_id: str, ends_at: datetime) -> None:
        connection = out.connection
        facts = {"connection_id": connection.id, "login": out.login, "role": out.role, "ends_at": ends_at.isoformat()}
        facts["key"] = out.credential.id

        async def record(unit: UnitOfWork) -> None:
            unit.emit(Event(connection.tenant_id, "token.minted", token_id, facts, out.session_id))

        await self.deps.journal.write(record)

    def _forget_old(self, now: datetime) -> None:
        for key in [key for key, kept in self._minted.items() if kept.ends_at <= now]:
            del self._minted[key]
        for key in [key for key, turn in self._turns.items() if key not in self._minted and not turn.locked()]:
            del self._turns[key]


@dataclass(frozen=True, slots=True)
class Vouched:
    """Satisfies `skipass.snowflake.auth.tokens.TokenSource` for one way out."""

    issuer: Issuer
    out: Out

    async def token(self) -> Token:
        """Return a token that should be accepted now."""
        return await self.issuer.token(self.out)

    async def rejected(self, token: Token) -> bool:
        """Take note of a refusal; True when `token()` gives another one that could fare better."""
        return self.issuer.refused(self.out, token)


def _key(out: Out) -> Key:
    if not out.login:
        raise SkipassError("consent_required", "No Snowflake login is known for the user.", "An admin maps one.")
    return out.credential.id, out.host, out.login, out.role or out.connection.role, out.session_id
