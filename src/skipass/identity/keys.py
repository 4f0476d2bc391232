"""Credentials for the gateway: 256 random bits, shown once, stored as a hash, looked up by a prefix."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from skipass.ids import new_id
from skipass.nouns.people import ApiKey, KeyUse, SignInLink
from skipass.secret import Secret

_MARK = "skp"
LINK_LIFE = timedelta(minutes=30)
LOGIN_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential: the row to keep, and the text that is shown once."""

    key: ApiKey
    text: Secret[str]


def issue(
    tenant_id: str,
    use: KeyUse,
    owner_id: str,
    now: datetime,
    life: timedelta | None = None,
    family_id: str | None = None,
) -> Issued:
    """Return a new credential for an agent or a person; it ends after `life` if that is given, or with its family."""
    prefix = secrets.token_hex(6)
    text = f"{_MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    expires_at = now + life if life else None
    made = new_id("key", now)
    key = ApiKey(made, tenant_id, use, owner_id, prefix, hashed(text), now, expires_at, family_id=family_id)
    return Issued(key, Secret(text))


def prefix_of(text: str) -> str | None:
    """Return the prefix a credential is looked up by, or None if it is not one of ours."""
    parts = text.split("_", 2)
    ours = len(parts) == 3 and parts[0] == _MARK and len(parts[1]) == 12 and len(text) < 100
    return parts[1] if ours else None


def hashed(text: str) -> str:
    """Return the hex SHA-256 of a credential or link token."""
    # What is presented may be no text at all: a lone surrogate is hashed like anything else, and found nowhere.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def accepts(key: ApiKey, text: str, now: datetime) -> bool:
    """Return whether `text` is this key, unrevoked and unexpired at `now`; compares in constant time."""
    alive = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return hmac.compare_digest(key.hash, hashed(text)) and alive


def new_link(tenant_id: str, user_id: str, now: datetime) -> tuple[SignInLink, Secret[str]]:
    """Return a one-time sign-in link's row and its token, good for half an hour."""
    token = secrets.token_urlsafe(32)
    return SignInLink(new_id("link", now), tenant_id, user_id, hashed(token), now, now + LINK_LIFE), Secret(token)
