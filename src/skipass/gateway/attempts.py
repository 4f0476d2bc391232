"""One attempt to link an account, as it is kept: what goes round by the browser, and what waits sealed meanwhile.

State goes out as a digest of a cookie that only the starting browser has, so that an answer which comes back with
another browser is told from our own without keeping anything for it. Knows no page and no network.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.account_status import move_account
from skipass.gateway.moves import begin, move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.identity.keys import hashed
from skipass.ids import digest, new_id
from skipass.nouns.account import AccountState, ConnectedAccount, LinkAttempt, LinkState
from skipass.nouns.connection import Credential
from skipass.secret import Secret
from skipass.vault.seal import Keys, Place, seal, unseal

LIFE = timedelta(minutes=10)
OTHER_LOGIN = "login_changed"
_OPEN = (LinkState.MADE, LinkState.STARTED)


@dataclass(frozen=True, slots=True)
class Landed:
    """What a sign-in brought and is not in force yet: `packed` is what a credential seals.

    `login`, `account` and `host` are the Snowflake user's and account's own words; `role` binds the credential, None
    for one that is good for every role of its user. Times are ISO 8601 UTC.
    """

    packed: str
    fingerprint: str
    login: str
    account: str
    host: str
    role: str | None
    expires_at: str | None = None
    refresh_expires_at: str | None = None

    def __repr__(self) -> str:
        return f"Landed({self.login!r} on {self.account!r}, role {self.role!r})"


def attempt_place(attempt: LinkAttempt) -> Place:
    """Return where what an attempt keeps is sealed to: its tenant, connection, user, row and column."""
    whose = (attempt.connection_id, attempt.user_id)
    return Place(attempt.tenant_id, "link_attempts.sealed", attempt.id, *whose)


def seal_verifier(kek: Keys, attempt: LinkAttempt, verifier: Secret[str]) -> bytes:
    """Return the PKCE verifier sealed for an attempt."""
    return seal(kek, orjson.dumps({"verifier": verifier.reveal()}), attempt_place(attempt))


def unseal_verifier(kek: Keys, attempt: LinkAttempt) -> Secret[str]:
    """Return the PKCE verifier of an attempt."""
    return Secret(str(orjson.loads(unseal(kek, attempt.sealed or b"", attempt_place(attempt)))["verifier"]))


def seal_landed(kek: Keys, attempt: LinkAttempt, landed: Landed) -> bytes:
    """Return what a sign-in brought, sealed for its attempt."""
    return seal(kek, orjson.dumps({"landed": asdict(landed)}), attempt_place(attempt))


def unseal_landed(kek: Keys, attempt: LinkAttempt) -> Landed:
    """Return what a sign-in brought."""
    found: dict[str, Any] = orjson.loads(unseal(kek, attempt.sealed or b"", attempt_place(attempt)))
    return Landed(**found["landed"])


def time_of(text: str | None) -> datetime | None:
    """Return a time of `Landed`."""
    return datetime.fromisoformat(text) if text else None


def new_cookie() -> Secret[str]:
    """Return a fresh text for the browser that begins."""
    return Secret(secrets.token_urlsafe(32))


def state_of(cookie: Secret[str]) -> str:
    """Return the state that goes out with a browser's cookie, and tells nothing of it."""
    return digest(b"link state/1", cookie.reveal().encode())


def same_browser(state: str, cookie: Secret[str] | None) -> bool:
    """Return whether a state went out with this cookie."""
    return cookie is not None and hmac.compare_digest(state_of(cookie).encode(), state.encode("utf-8", "replace"))


async def make(
    unit: UnitOfWork, account: ConnectedAccount, role: str, by: str, return_url: str | None = None
) -> tuple[LinkAttempt, Secret[str]]:
    """Make an attempt for a role and return it with its token; the account's earlier ones are void from here on."""
    await void(unit, account, "newer")
    token = secrets.token_urlsafe(32)
    attempt = LinkAttempt(
        id=new_id("link", unit.now),
        tenant_id=account.tenant_id,
        account_id=account.id,
        connection_id=account.connection_id,
        user_id=account.user_id,
        hash=hashed(token),
        state=LinkState.MADE,
        created_at=unit.now,
        expires_at=unit.now + LIFE,
        role=role,
        generation=await generation_of(unit, account.id, role),
        return_url=return_url,
    )
    facts = {"account_id": account.id, "role": role, "by": by, "generation": attempt.generation}
    return await begin(unit, attempt, facts), Secret(token)


async def void(unit: UnitOfWork, account: ConnectedAccount, why: str) -> None:
    """Void every attempt of an account that is not over; what they keep is destroyed."""
    for earlier in await unit.find(LinkAttempt, account_id=account.id, state=_OPEN):
        await move(
            unit, earlier, LinkState.VOID, {"why": why}, sealed=None, state_hash=None, code_hash=None, reason=why
        )


async def fail(unit: UnitOfWork, attempt: LinkAttempt, why: str) -> None:
    """End an attempt as failed; what it keeps is destroyed."""
    current = await unit.get(LinkAttempt, attempt.id)
    if current is None or current.state not in _OPEN:
        return
    gone = {"sealed": None, "state_hash": None, "code_hash": None}
    await move(unit, current, LinkState.FAILED, {"why": why[:300]}, reason=why[:300], **gone)


async def by_token(reader: Reader, token: str) -> LinkAttempt:
    """Return the attempt whose link was opened, if it can still begin; else raise `link_used`, which tells no more."""
    found = await reader.find(LinkAttempt, hash=hashed(token), state=LinkState.MADE, limit=1)
    if not found or found[0].expires_at <= reader.now or not found[0].role:
        raise gone()
    return found[0]


def gone() -> SkipassError:
    """Return the refusal of a link that is used, too old, void, or none at all, or is another tenant's."""
    return SkipassError("link_used", hint="Ask for a new link: it is good once, for ten minutes.")


async def waiting(reader: Reader, account: ConnectedAccount) -> LinkAttempt:
    """Return the attempt that came back and waits for somebody's word, or raise `not_found`."""
    found = await reader.find(LinkAttempt, account_id=account.id, state=LinkState.STARTED, state_hash=None)
    live = [one for one in found if one.expires_at > reader.now and (one.code_hash or one.reason == OTHER_LOGIN)]
    if not live:
        raise SkipassError("not_found", "No sign-in of this account waits.", "Link the account again.")
    return live[-1]


async def generation_of(reader: Reader, account_id: str, role: str | None) -> int:
    """Return the newest generation of an account's credentials for a role, 0 where there was none."""
    mine: Sequence[Credential] = await reader.find(
        Credential, account_id=account_id, role=role, order="generation", descending=True, limit=1
    )
    return mine[0].generation if mine else 0


async def sweep(unit: UnitOfWork) -> int:
    """End every attempt whose time is over, destroy what it keeps, and return how many there were."""
    late = await unit.find(LinkAttempt, state=_OPEN, expires_at__le=unit.now, limit=100)
    for attempt in late:
        await give_up(unit, attempt, "expired")
    return len(late)


async def give_up(unit: UnitOfWork, attempt: LinkAttempt, why: str) -> None:
    """End an attempt as failed; an account that waited for its application's word waits for a sign-in again."""
    await fail(unit, attempt, why)
    account = await unit.get(ConnectedAccount, attempt.account_id, state=AccountState.PENDING_VERIFICATION)
    if account is not None:
        await move_account(unit, account, AccountState.PENDING_AUTH)
