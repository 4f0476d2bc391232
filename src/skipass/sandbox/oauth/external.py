"""Tokens of an outside identity provider: signature, claims, user, roles; the caller learns a code, admins the reason.

Source: https://docs.snowflake.com/en/user-guide/oauth-ext-overview and
.../sql-reference/functions/system_get_login_failure_details for the names of the reasons.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from skipass.sandbox.account import Account
from skipass.sandbox.catalog import User
from skipass.sandbox.identity import OAUTH, Identity
from skipass.sandbox.oauth import integrations
from skipass.sandbox.oauth.integrations import role_rule
from skipass.sandbox.oauth.keys import NoKey
from skipass.sandbox.oauth.model import Integration
from skipass.sandbox.quantities import moment

ALGORITHMS = ["RS256", "RS384", "RS512"]
Claims = Mapping[str, Any]


class BadToken(Exception):
    """The token is refused: a client-visible `code`, a detailed `name`, claim values that fit no user."""

    def __init__(self, name: str, code: int = 390303, values: str = "") -> None:
        super().__init__(name)
        self.name, self.code, self.values = name, code, values


def part(text: str) -> dict[str, Any]:
    """Return one JSON part of a signed token, or raise BadToken."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise BadToken("EXTERNAL_OAUTH_JWS_INVALID_FORMAT") from None
    if not isinstance(found, dict):
        raise BadToken("EXTERNAL_OAUTH_JWS_INVALID_FORMAT")
    return found


def verified(account: Account, token: str) -> tuple[Integration, Claims]:
    """Return the integration of a token's issuer and its claims, signature checked; raises BadToken."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("EXTERNAL_OAUTH_JWS_INVALID_FORMAT")
    header, claims = part(parts[0]), part(parts[1])
    if header.get("alg") not in ALGORITHMS:
        raise BadToken("EXTERNAL_OAUTH_JWS_INVALID_TYPE")
    one = integration_of(account, claims)
    try:
        keys = account.keys.candidates(one, str(header.get("kid", "")), account.now())
    except NoKey:
        raise BadToken("EXTERNAL_OAUTH_JWS_CANT_RETRIEVE_PUBLIC_KEY") from None
    for key in keys:
        try:
            jws.deserialize_compact(token, key, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            continue
        return one, claims
    raise BadToken("EXTERNAL_OAUTH_INVALID_SIGNATURE")


def integration_of(account: Account, claims: Claims) -> Integration:
    """Return the enabled integration whose issuer is exactly the token's; raises BadToken."""
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise BadToken("EXTERNAL_OAUTH_MISSING_ISSUER")
    one = account.sign_in.issuer(issuer)
    if one is None:
        raise BadToken("EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_FOUND")
    if not one.enabled:
        raise BadToken("EXTERNAL_OAUTH_ACCESS_TOKEN_ISSUER_NOT_ENABLED")
    return one


def identify(account: Account, one: Integration, claims: Claims, named_user: str | None = None) -> Identity:
    """Return who signs in with these claims; BadToken for a bad one. `named_user` is a login that names its user."""
    _check_times(account, claims)
    _check_audience(account, one, claims)
    user = _user(account, one, claims)
    if named_user is not None and user.login_name.upper() != named_user.upper():
        raise BadToken("USER_MISMATCH", 390309)
    roles, any_role = _roles(account, one, claims, user)
    return Identity(
        user,
        OAUTH,
        None if any_role else roles,
        any_role,
        role_rule(account, one),
        one.name,
        outside=True,
        agentic=one.flag("IS_AGENTIC"),
    )


def _check_times(account: Account, claims: Claims) -> None:
    now = account.now().timestamp()
    issued, expires, start = _moment(claims, "iat"), _moment(claims, "exp"), _moment(claims, "nbf", 0.0)
    if expires <= now:
        raise BadToken("EXTERNAL_OAUTH_ACCESS_TOKEN_EXPIRED", 390318)
    if max(issued, start) > now:
        raise BadToken("EXTERNAL_OAUTH_ACCESS_TOKEN_NOT_YET_VALID")


def _moment(claims: Claims, name: str, absent: float | None = None) -> float:
    found = moment(claims.get(name, absent))
    if found is None:
        raise BadToken("EXTERNAL_OAUTH_JWS_INVALID_FORMAT")
    return found


def _check_audience(account: Account, one: Integration, claims: Claims) -> None:
    given = _texts(claims.get("aud"))
    if not given:
        raise BadToken("EXTERNAL_OAUTH_MISSING_AUDIENCE")
    wanted = {f"https://{account.host}", f"https://{account.identifier.lower()}.snowflakecomputing.com"}
    wanted |= set(one.values("EXTERNAL_OAUTH_AUDIENCE_LIST"))
    if account.switches.audience_slash == "ignored":
        given = [text.rstrip("/") for text in given]
        wanted = {text.rstrip("/") for text in wanted}
    if not wanted & set(given):
        raise BadToken("EXTERNAL_OAUTH_AUDIENCE_VALIDATION_FAILED")


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _user(account: Account, one: Integration, claims: Claims) -> User:
    names = one.values("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM")
    values = [text for name in names for text in _texts(claims.get(name))]
    if not values:
        raise BadToken("EXTERNAL_OAUTH_USER_CLAIM_MISSING")
    wanted = {text.upper() for text in values}
    by_mail = one.text("EXTERNAL_OAUTH_SNOWFLAKE_USER_MAPPING_ATTRIBUTE") == "EMAIL_ADDRESS"
    users = list(account.catalog.users.values())
    fitting = [
        user for user in users if (user.options.get("EMAIL", "") if by_mail else user.login_name).upper() in wanted
    ]
    if len(fitting) != 1 or fitting[0].disabled:
        raise BadToken("USER_NOT_FOUND", 390304, ", ".join(values))
    return fitting[0]


def _roles(account: Account, one: Integration, claims: Claims, user: User) -> tuple[tuple[str, ...], bool]:
    scopes = _scopes(one, claims)
    if any(scope.lower() == "session:role-any" for scope in scopes):
        if not integrations.any_role(account, one, user):
            raise BadToken("ROLE_NOT_LISTED", 390317)
        return (), True
    prefixes = ("session:role:", "session:scope:")
    named = [scope.split(":", 2)[2] for scope in scopes if scope.lower().startswith(prefixes)]
    if not named:
        raise BadToken("ROLE_NOT_LISTED", 390317)
    return tuple(_stored_role(account, role) for role in named), False


def _scopes(one: Integration, claims: Claims) -> list[str]:
    name = one.text("EXTERNAL_OAUTH_SCOPE_MAPPING_ATTRIBUTE", "scp")
    value = claims.get(name)
    if isinstance(value, str) and name == "scope":
        return [text.strip() for text in value.split(one.text("EXTERNAL_OAUTH_SCOPE_DELIMITER", ","))]
    if isinstance(value, str):
        return value.split()
    roles = _texts(claims.get("roles")) if one.text("EXTERNAL_OAUTH_TYPE") == "AZURE" else []
    return _texts(value) + roles


def _stored_role(account: Account, role: str) -> str:
    return role if role in account.catalog.roles else role.upper()
