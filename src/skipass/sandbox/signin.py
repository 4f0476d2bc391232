"""Who sends a request: a key-pair JWT checked against the user's registered keys, or an opaque token of the account.

The client is told only a code and an id; the reason is kept under that id.
Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating and
https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skipass.sandbox import failures, refusals
from skipass.sandbox.account import Account
from skipass.sandbox.accounts import fingerprint
from skipass.sandbox.catalog import User
from skipass.sandbox.identity import KEYPAIR, OAUTH, PAT, Identity
from skipass.sandbox.oauth import external, pats, policies
from skipass.sandbox.oauth.external import BadToken
from skipass.sandbox.oauth.integrations import any_role, role_rule
from skipass.sandbox.oauth.model import digest
from skipass.sandbox.quantities import moment

MAX_LIFE_S = 3600
SKEW_S = 60

_REASONS = {
    "JWT_TOKEN_INVALID": 390144,
    "JWT_TOKEN_INVALID_USER_IN_ISSUER": 394300,
    "JWT_TOKEN_MISSING_ISSUE_OR_EXPIRATION_TIME": 394301,
    "JWT_TOKEN_INVALID_ISSUE_TIME": 394302,
    "JWT_TOKEN_INVALID_EXPIRATION_TIME": 394303,
    "JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH": 394304,
    "JWT_TOKEN_INVALID_ALGORITHM": 394305,
    "JWT_TOKEN_INVALID_SIGNATURE": 394306,
    "JWT_TOKEN_ACCOUNT_MISMATCH": 394307,
}


class _Rejected(Exception):
    """A key-pair token fails; the argument is a name of `_REASONS`."""


def authenticate(account: Account, authorization: str, kind: str | None, address: str) -> Identity:
    """Return who the bearer is, or raise the refusal that fits the kind of the credential."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise failures.Failure("390101", "08004", "Authorization header not found in the request data.", 401)
    if kind is None and account.switches.token_kind == OAUTH:
        kind = OAUTH
    identity = _identified(account, token.strip(), kind)
    if not policies.admits(policies.policy_for(account, identity.user, identity.integration), address):
        raise refusals.address_blocked(address)
    return identity


def _identified(account: Account, token: str, kind: str | None) -> Identity:
    if token in account.tokens:
        return _given(account, token, kind)
    if kind in (None, PAT):
        found = pats.identify(account, token, lambda login: _logged(account, "PAT_INVALID", 394400, login))
        if found is not None:
            return found
        if kind == PAT:
            raise refusals.bad_access_token(_logged(account, "PAT_INVALID", 394400, ""))
    if kind == KEYPAIR or (kind is None and _names_a_fingerprint(token)):
        return _keypair(account, token)
    if token.count(".") == 2 and kind in (None, OAUTH):
        return _outside(account, token)
    return _issued(account, token)


def _given(account: Account, text: str, kind: str | None) -> Identity:
    token = account.tokens[text]
    if token.expired:
        raise failures.token_expired(_logged(account, "OAUTH_ACCESS_TOKEN_EXPIRED", 390318, token.login_name))
    user = account.catalog.login(token.login_name)
    if user is None or user.disabled or (kind is not None and kind != token.kind):
        raise failures.token_rejected(_logged(account, "OAUTH_ACCESS_TOKEN_INVALID", 390303, token.login_name))
    return Identity(user, token.kind, (token.role,) if token.role else None)


def _issued(account: Account, text: str) -> Identity:
    token = account.sign_in.access.get(digest(text))
    family = account.sign_in.families.get(token.family) if token is not None else None
    one = account.sign_in.integrations.get(family.integration) if family is not None else None
    user = account.catalog.users.get(family.user) if family is not None else None
    if digest(text) in account.sign_in.withdrawn and account.switches.withdrawn_code == "390302":
        raise refusals.consent_withdrawn(_logged(account, "OAUTH_CONSENT_INVALID", 390302, ""))
    if token is None or family is None or one is None or user is None or not one.enabled or user.disabled:
        raise failures.token_rejected(_logged(account, "OAUTH_ACCESS_TOKEN_INVALID", 390303, ""))
    if token.expires <= account.now():
        raise failures.token_expired(_logged(account, "OAUTH_ACCESS_TOKEN_EXPIRED", 390318, user.login_name))
    free = family.any_role and any_role(account, one, user)
    return Identity(
        user,
        OAUTH,
        None if free else (family.role,),
        free,
        role_rule(account, one),
        one.name,
        agentic=one.flag("IS_AGENTIC"),
        secondary=one.text("OAUTH_USE_SECONDARY_ROLES") == "IMPLICIT",
    )


def _outside(account: Account, token: str) -> Identity:
    try:
        return external.identify(account, *external.verified(account, token))
    except BadToken as bad:
        login_id = _logged(account, bad.name, bad.code, bad.values)
        if bad.code == 390304:
            raise refusals.claim_without_user(bad.values, login_id) from None
        if bad.code == 390317:
            raise refusals.role_not_listed("") from None
        refused = failures.token_expired if bad.code == 390318 else failures.token_rejected
        raise refused(login_id) from None


def _names_a_fingerprint(token: str) -> bool:
    try:
        return ".SHA256:" in str(_part(token.split(".")[1]).get("iss", ""))
    except (IndexError, _Rejected):
        return False


def _keypair(account: Account, token: str) -> Identity:
    try:
        return Identity(_verified(account, token))
    except _Rejected as rejected:
        name = str(rejected)
        refused = failures.jwt_rejected(_logged(account, name, _REASONS[name], _subject(token)))
        if account.switches.jwt_code == "detail":
            refused.code = str(_REASONS[name])
        raise refused from None


def _logged(account: Account, name: str, code: int, login: str) -> str:
    details = {
        "clientIP": "127.0.0.1",
        "clientType": "SQL_API",
        "clientVersion": "",
        "username": login,
        "errorCode": name,
        "timestamp": int(account.now().timestamp()),
        "errorDetails": [str(code)],
    }
    return account.new_failure_id(json.dumps(details))


def _subject(token: str) -> str:
    try:
        return str(_part(token.split(".")[1]).get("sub", ""))
    except (IndexError, _Rejected):
        return ""


def _part(text: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise _Rejected("JWT_TOKEN_INVALID") from None
    if not isinstance(found, dict):
        raise _Rejected("JWT_TOKEN_INVALID")
    return found


def _verified(account: Account, token: str) -> User:
    parts = token.split(".")
    if len(parts) != 3:
        raise _Rejected("JWT_TOKEN_INVALID")
    header, claims = _part(parts[0]), _part(parts[1])
    if header.get("alg") != "RS256":
        raise _Rejected("JWT_TOKEN_INVALID_ALGORITHM")
    user, print_of = _issuer(account, claims)
    _check_times(account, claims)
    key = next((key for key in user.keys.values() if fingerprint(key) == print_of), None)
    if key is None:
        raise _Rejected("JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH")
    _check_signature(key, parts)
    return user


def _issuer(account: Account, claims: dict[str, Any]) -> tuple[User, str]:
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    if not issuer.startswith(subject + ".SHA256:") or "." not in subject:
        raise _Rejected("JWT_TOKEN_INVALID")
    name, _, login = subject.partition(".")
    if name not in (account.identifier.upper(), account.locator.upper()):
        raise _Rejected("JWT_TOKEN_ACCOUNT_MISMATCH")
    user = account.catalog.login(login) if login == login.upper() else None
    if user is None or user.disabled:
        raise _Rejected("JWT_TOKEN_INVALID_USER_IN_ISSUER")
    return user, issuer[len(subject) + 1 :]


def _check_times(account: Account, claims: dict[str, Any]) -> None:
    issued, expires = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    now = account.now().timestamp()
    if issued is None or expires is None:
        raise _Rejected("JWT_TOKEN_MISSING_ISSUE_OR_EXPIRATION_TIME")
    late = account.switches.jwt_age == "minute" and issued < now - SKEW_S
    if issued > now + SKEW_S or late:
        raise _Rejected("JWT_TOKEN_INVALID_ISSUE_TIME")
    if min(expires, issued + MAX_LIFE_S) <= now:
        raise _Rejected("JWT_TOKEN_INVALID_EXPIRATION_TIME")


def _seconds(value: object) -> float | None:
    found = moment(value)
    return found / 1000 if found is not None and found > 100_000_000_000 else found


def _check_signature(key: str, parts: list[str]) -> None:
    public = load_der_public_key(base64.b64decode(key))
    try:
        signature = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
        if not isinstance(public, RSAPublicKey):
            raise _Rejected("JWT_TOKEN_INVALID_ALGORITHM")
        public.verify(signature, f"{parts[0]}.{parts[1]}".encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise _Rejected("JWT_TOKEN_INVALID_SIGNATURE") from None
