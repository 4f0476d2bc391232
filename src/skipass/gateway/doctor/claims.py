"""The claims of the token that would be sent, beside what the integration expects. The token itself is never shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.integration import audience_problem, listed
from skipass.gateway.doctor.patient import TRUSTED, Patient, Properties
from skipass.gateway.oauth_metadata import role_in
from skipass.snowflake.setup_sql.text import literal, name

STEP = "claims"
Claims = Mapping[str, Any]


def read(token: str) -> Claims | None:
    """Return the claims of a JWT, unverified: they are looked at, never relied on; None for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return found if isinstance(found, dict) else None


def texts(value: object) -> tuple[str, ...]:
    """Return a claim that is a text or a list of texts; scopes in one text are parted by spaces."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


async def carried(on: Patient) -> Finding | None:
    """Look at the claims of the caller's own token."""
    if on.connection.auth_method not in TRUSTED or on.out is None:
        return None
    try:
        token = await on.deps.upstream.tokens(on.out).token()
    except SkipassError as error:
        return await on.refused(STEP, error)
    claims = read(token.value.reveal())
    if claims is None:
        return unseen(STEP, "the token is opaque", "Only the integration's own checks tell what is in it.")
    ended = _ended(on, claims)
    if ended is not None:
        return ended
    roles = _roles(on, claims)
    if roles is not None:
        return roles
    if on.properties is None:
        return unseen(STEP, _seen(claims), "--admin-connection NAME shows what the integration makes of them")
    return _fit(on, on.properties, claims) or ok(STEP, _seen(claims))


def _seen(claims: Claims) -> str:
    return ", ".join(f"{one} {claims[one]}" for one in ("iss", "aud", "sub", "scp", "scope", "exp") if one in claims)


def _ended(on: Patient, claims: Claims) -> Finding | None:
    end, start = claims.get("exp"), claims.get("nbf", claims.get("iat"))
    now_s = on.deps.clock.now().timestamp()
    if isinstance(end, int | float) and end <= now_s:
        return on.has(STEP, "token_expired", f"exp was {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M:%S} UTC")
    if isinstance(start, int | float) and start > now_s + 60:
        return on.has(STEP, "clock", f"the token is good from {datetime.fromtimestamp(start, UTC):%H:%M:%S} UTC on")
    return None


def _roles(on: Patient, claims: Claims) -> Finding | None:
    scopes = [one for claim in ("scp", "scope", "roles") for one in texts(claims.get(claim))]
    if any(one.lower().endswith("session:role-any") for one in scopes):
        return None
    named = [(role_in(one) or "").upper() for one in scopes]
    if on.role.upper() in named:
        return None
    return on.has(STEP, "role_not_in_token", f"scopes: {' '.join(scopes) or 'none'}")


def _fit(on: Patient, shown: Properties, claims: Claims) -> Finding | None:
    fix = f"ALTER SECURITY INTEGRATION {name(on.integration)} SET"
    issuer, trusted = str(claims.get("iss", "")), shown.get("EXTERNAL_OAUTH_ISSUER", "")
    if issuer != trusted:
        seen, cause = f"iss is {issuer}, trusted is {trusted}", "They are compared character by character."
        return failed(STEP, "issuer", seen, cause, f"{fix} EXTERNAL_OAUTH_ISSUER = {literal(issuer or '…')};")
    audience = audience_problem(on, shown, texts(claims.get("aud")))
    if audience is not None:
        return audience
    wanted = listed(shown.get("EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM"))
    if wanted and not any(texts(claims.get(one)) for one in wanted):
        seen = f"the token has none of {', '.join(wanted)}"
        return failed(STEP, "user_claim", seen, "Users are mapped by a claim that the token lacks.",
                      f"{fix} EXTERNAL_OAUTH_TOKEN_USER_MAPPING_CLAIM = 'sub';")  # fmt: skip
    return None


CHECKS = (Check(STEP, ("credential", "integration"), carried),)
