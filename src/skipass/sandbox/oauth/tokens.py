"""Codes, access tokens and refresh tokens: made, spent, rotated, looked up.

Refresh tokens of a `single` family rotate: each use gives a new one and ends every earlier token, and a second use of
an old one ends the whole family. A code that comes twice ends what it produced.
Source: https://docs.snowflake.com/en/user-guide/single-use-refresh-tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.oauth.model import Code, Family, Integration, Issued, digest
from skipass.sandbox.privileges import available_roles

CODE_LIFE = timedelta(minutes=10)


class BadGrant(Exception):
    """The code or refresh token is not good, or not good for this caller."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one token request gives: lives are in seconds; no refresh token where none is due."""

    access: str
    expires_in: int
    family: Family
    refresh: str | None = None
    refresh_expires_in: int | None = None


def new_code(account: Account, family: Family, redirect_uri: str, challenge: str) -> str:
    """Return a fresh authorization code."""
    text = secrets.token_urlsafe(32)
    code = Code(family, redirect_uri, challenge, account.now() + CODE_LIFE)
    account.sign_in.codes[digest(text)] = code
    return text


def exchange(account: Account, one: Integration, text: str, redirect_uri: str, verifier: str, single: bool) -> Tokens:
    """Return tokens for a code, or raise BadGrant; the code is spent either way once it is this client's."""
    state = account.sign_in
    spent = state.spent.get(digest(text))
    if spent is not None:
        account.counts["codes_reused"] += 1
        state.end_family(spent)
        raise BadGrant("The authorization code was used before.")
    code = state.codes.get(digest(text))
    if code is None or code.family.integration != one.name:
        raise BadGrant("The authorization code is invalid.")
    del state.codes[digest(text)]
    if code.expires <= account.now():
        raise BadGrant("The authorization code has expired.")
    if code.redirect_uri != redirect_uri:
        raise BadGrant("The redirect URI differs from the one of the authorization request.")
    if not _verified(code.challenge, verifier):
        raise BadGrant("The code verifier does not fit the code challenge.")
    rotating = single or _rotates(account, one)
    family = replace(code.family, single=rotating)
    state.families[family.id] = family
    state.spent[digest(text)] = family.id
    return _issue(account, one, family, new_refresh=family.offline)


def _verified(challenge: str, verifier: str) -> bool:
    if not challenge:
        return not verifier
    found = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(found.encode(), challenge.encode())


def _rotates(account: Account, one: Integration) -> bool:
    return account.switches.refresh_mode == "single" or one.flag("OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED")


def refresh(account: Account, one: Integration, text: str) -> Tokens:
    """Return new tokens for a refresh token, or raise BadGrant."""
    state = account.sign_in
    token = state.refresh.get(digest(text))
    family = state.families.get(token.family) if token is not None else None
    if token is None or family is None or family.integration != one.name:
        raise BadGrant("The refresh token is invalid, expired or revoked.")
    if token.used:
        account.counts["refresh_tokens_reused"] += 1
        state.end_family(family.id)
        raise BadGrant("The refresh token was used before.")
    user = account.catalog.users.get(family.user)
    if token.expires <= account.now() or user is None or user.disabled or _lost(account, user, family):
        raise BadGrant("The refresh token is invalid, expired or revoked.")
    if not family.single:
        return _issue(account, one, family, new_refresh=False)
    state.refresh[digest(text)] = replace(token, used=True)
    state.access = {key: each for key, each in state.access.items() if each.family != family.id}
    return _issue(account, one, family, new_refresh=True)


def _lost(account: Account, user: User, family: Family) -> bool:
    """Tell whether the role is gone from its user, where that counts at a refresh."""
    counts = account.switches.refresh_without_role == "refused"
    return counts and family.role not in available_roles(account.catalog, user)


def _issue(account: Account, one: Integration, family: Family, *, new_refresh: bool) -> Tokens:
    _forget_expired(account)
    life = one.number("OAUTH_ACCESS_TOKEN_VALIDITY", 600)
    access = _text("ver:1-hint:")
    account.sign_in.access[digest(access)] = Issued(family.id, account.now() + timedelta(seconds=life))
    if not new_refresh:
        return Tokens(access, life, family)
    again = one.number("OAUTH_REFRESH_TOKEN_VALIDITY", 7_776_000)
    text = _text("ver:2-hint:")
    account.sign_in.refresh[digest(text)] = Issued(family.id, account.now() + timedelta(seconds=again))
    return Tokens(access, life, family, text, again - 1)


def _text(prefix: str) -> str:
    return f"{prefix}{secrets.randbelow(10**12)}-ETMs{secrets.token_urlsafe(96)}"


def _forget_expired(account: Account) -> None:
    """An access token is kept for a day after its end, so that it is told from one that never was."""
    state, now = account.sign_in, account.now()
    state.access = {key: each for key, each in state.access.items() if each.expires > now - timedelta(days=1)}
    state.withdrawn = {key: end for key, end in state.withdrawn.items() if end > now - timedelta(days=1)}
    state.codes = {key: code for key, code in state.codes.items() if code.expires > now}
    state.spent = {key: family for key, family in state.spent.items() if family in state.families}


def expire_access(account: Account, user: str | None = None) -> int:
    """End the time of every access token, or of one user's; refresh tokens stay good. Returns how many."""
    state, now = account.sign_in, account.now()
    names = {one.id for one in state.families.values() if user in (None, one.user)}
    chosen = [key for key, each in state.access.items() if each.family in names and each.expires > now]
    for key in chosen:
        state.access[key] = replace(state.access[key], expires=now)
    return len(chosen)
