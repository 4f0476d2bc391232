"""Programmatic access tokens: made, rotated and removed by ALTER USER; shown once, kept as a digest.

Source: https://docs.snowflake.com/en/user-guide/programmatic-access-tokens.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from datetime import timedelta

from skipass.sandbox import failures, refusals
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.grammar import Reader
from skipass.sandbox.identity import PAT, Identity
from skipass.sandbox.names import shown
from skipass.sandbox.oauth import options, policies
from skipass.sandbox.oauth.model import AccessToken, digest
from skipass.sandbox.privileges import available_roles
from skipass.sandbox.quantities import whole
from skipass.sandbox.results import Listing, Result
from skipass.sandbox.session import Session

MAX_TOKENS, MAX_DAYS, DEFAULT_DAYS, ROTATED_HOURS = 15, 365, 15, 24
_SERVICE = ("SERVICE", "LEGACY_SERVICE")
_KEYS = {"ROLE_RESTRICTION", "DAYS_TO_EXPIRY", "MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT", "COMMENT"}


def alter(reader: Reader, account: Account, session: Session, user: User) -> Result:
    """Carry out ALTER USER … ADD, MODIFY, ROTATE or REMOVE PAT; not from a session that a token of that user opened."""
    rights = session.rights(account.catalog)
    if user is not session.user and not rights.owns(user.owner):
        raise failures.insufficient("user", user.name)
    if session.credential == PAT and user is session.user:
        raise failures.insufficient("user", user.name)
    verb = reader.choose("ADD", "MODIFY", "ROTATE", "REMOVE")
    if not reader.accept("PROGRAMMATIC", "ACCESS", "TOKEN"):
        reader.take("PAT")
    name = reader.identifier()
    if verb == "ADD":
        return _add(account, session, user, name, options.read(reader))
    one = _named(account, user, name)
    if verb == "ROTATE":
        return _rotate(account, session, one, options.read(reader))
    if verb == "REMOVE":
        reader.finish()
        del account.sign_in.pats[one.secret]
        return _listing(("status",), (f"{name} successfully removed.",))
    return _modify(reader, one)


def _named(account: Account, user: User, name: str) -> AccessToken:
    for one in account.sign_in.pats.values():
        if (one.user, one.name) == (user.name, name):
            return one
    raise failures.missing(shown(name), "Programmatic access token", table=False)


def _add(account: Account, session: Session, user: User, name: str, given: options.Values) -> Result:
    for key in given:
        if key not in _KEYS:
            raise refusals.bad_property(key, "PROGRAMMATIC_ACCESS_TOKEN")
    mine = [one for one in account.sign_in.pats.values() if one.user == user.name and one.expires > session.now]
    if any(one.name == name for one in mine):
        raise failures.exists(name)
    if len(mine) >= MAX_TOKENS:
        raise failures.unsupported(f"more than {MAX_TOKENS} programmatic access tokens of one user")
    role = _restriction(account, user, given)
    days = _whole(given, "DAYS_TO_EXPIRY", DEFAULT_DAYS, MAX_DAYS)
    minutes = _whole(given, "MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT", 0, 1440)
    text = new_secret()
    account.sign_in.pats[digest(text)] = AccessToken(
        name=name,
        user=user.name,
        secret=digest(text),
        created=session.now,
        created_by=session.user.name,
        expires=session.now + timedelta(days=days),
        role=role,
        comment=given.get("COMMENT", ("",))[0],
        bypass_until=session.now + timedelta(minutes=minutes) if minutes else None,
        bypass_minutes=minutes or None,
    )
    return _listing(("token_name", "token_secret"), (name, text))


def new_secret() -> str:
    """Return a fresh secret; it looks like a signed token and means nothing to its holder."""
    head = base64.urlsafe_b64encode(b'{"alg":"ES256","kid":"0"}').rstrip(b"=").decode()
    return f"{head}.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(64)}"


def _restriction(account: Account, user: User, given: options.Values) -> str:
    role = given.get("ROLE_RESTRICTION", ("",))[0]
    if not role and user.options.get("TYPE", "PERSON").upper() in _SERVICE:
        raise refusals.missing_options("ROLE_RESTRICTION")
    if role and role not in available_roles(account.catalog, user):
        raise failures.missing(shown(role), "Role", table=False)
    return role


def _whole(given: options.Values, name: str, default: int, top: int) -> int:
    text = given.get(name, (str(default),))[0]
    found = whole(text)
    if found is None or (name in given and found < 1) or found > top:
        raise refusals.bad_value(name, text)
    return found


def _rotate(account: Account, session: Session, old: AccessToken, given: options.Values) -> Result:
    hours = _whole(given, "EXPIRE_ROTATED_TOKEN_AFTER_HOURS", ROTATED_HOURS, 24 * MAX_DAYS)
    text = new_secret()
    life = old.expires - old.created
    rotated = f"{old.name}_{session.now:%Y%m%d%H%M%S}"
    account.sign_in.pats[digest(text)] = AccessToken(
        old.name, old.user, digest(text), session.now, session.user.name, session.now + life, old.role, old.comment
    )
    old.expires = min(old.expires, session.now + timedelta(hours=hours))
    old.name, old.rotated_to = rotated, old.name
    return _listing(("token_name", "token_secret", "rotated_token_name"), (old.rotated_to, text, rotated))


def _modify(reader: Reader, one: AccessToken) -> Result:
    if reader.accept("RENAME", "TO"):
        one.name = reader.identifier()
        reader.finish()
    else:
        reader.take("SET")
        given = options.read(reader)
        if not set(given) <= {"DISABLED", "COMMENT"}:
            raise refusals.bad_property(",".join(given), "PROGRAMMATIC_ACCESS_TOKEN")
        one.disabled = given.get("DISABLED", (str(one.disabled),))[0].upper() == "TRUE"
        one.comment = given.get("COMMENT", (one.comment,))[0]
    return _listing(("status",), ("Statement executed successfully.",))


def _listing(names: tuple[str, ...], row: tuple[str, ...]) -> Result:
    listing = Listing(names)
    listing.add(row)
    return listing.result()


def show(reader: Reader, account: Account, session: Session) -> Result:
    """Answer SHOW USER PROGRAMMATIC ACCESS TOKENS [FOR USER u]: names and ends, never secrets."""
    name = session.user.name
    if reader.accept("FOR", "USER"):
        name = reader.identifier()
    reader.finish()
    user = account.catalog.users.get(name)
    if user is None or (user is not session.user and not session.rights(account.catalog).owns(user.owner)):
        raise failures.missing(shown(name), "User", table=False)
    listing = Listing(
        ("name", "user_name", "role_restriction", "t:expires_at", "status", "comment", "t:created_on", "created_by",
         "n:mins_to_bypass_network_policy_requirement", "rotated_to")
    )  # fmt: skip
    for one in sorted(account.sign_in.pats.values(), key=lambda token: token.name):
        if one.user == name:
            state = "DISABLED" if one.disabled else "EXPIRED" if one.expires <= session.now else "ACTIVE"
            head = (one.name, name, one.role or None, one.expires, state, one.comment, one.created, one.created_by)
            listing.add((*head, one.bypass_minutes, one.rotated_to or None))
    return listing.result()


def decoded(account: Account, secret: str) -> str:
    """Return what SYSTEM$DECODE_PAT tells about a secret."""
    one = account.sign_in.pats.get(digest(secret))
    if one is None:
        return json.dumps({"STATE": "INVALID"})
    state = "DISABLED" if one.disabled else "EXPIRED" if one.expires <= account.now() else "ACTIVE"
    return json.dumps({"STATE": state, "PAT_NAME": one.name, "USER_NAME": one.user})


def identify(account: Account, secret: str, logged: Callable[[str], str]) -> Identity | None:
    """Return whose token this is, None if it is no token of the account; raises 394400 or 390432.

    `logged` keeps the reason of a refusal for a login name and returns its id.
    """
    one = account.sign_in.pats.get(digest(secret))
    if one is None:
        return None
    user = account.catalog.users.get(one.user)
    roleless = bool(one.role) and one.role not in account.catalog.roles
    if user is None or user.disabled or roleless or one.disabled or one.expires <= account.now():
        raise refusals.bad_access_token(logged(one.user))
    kind = user.options.get("TYPE", "PERSON").upper()
    bypassed = one.bypass_until is not None and account.now() < one.bypass_until
    if kind != "SERVICE_AGENT" and not bypassed and policies.policy_for(account, user, None) is None:
        raise refusals.policy_required(logged(one.user))
    return Identity(user, PAT, (one.role,) if one.role else None, agentic=kind == "SERVICE_AGENT")
