"""Who is behind a refused login, with an admin's eyes: Snowflake tells the caller only that it was refused."""

from __future__ import annotations

from collections.abc import Mapping

from skipass.errors import SkipassError
from skipass.gateway.doctor.findings import Finding
from skipass.gateway.doctor.patient import OAUTH, Patient, Properties, properties
from skipass.nouns.connection import AuthMethod

STEP = "sign-in"


async def behind(on: Patient) -> Finding | None:
    """Return what is wrong with the user, None where nothing is, or nobody may look."""
    login = (on.out.login if on.out else None) or on.connection.login
    if not login:
        return None
    try:
        users = await on.as_admin("users")
        told = "NAME" if on.connection.auth_method in OAUTH else "LOGIN_NAME"  # a linked one is what CURRENT_USER said
        row = _of(users.rows, told, login) if users else None
        if users is None or on.admin is None:
            return None
        if row is None:
            return on.has(STEP, "user_mapping", f"no user has the {told} {login}")
        on.identity = {"LOGIN": row.get("NAME")}
        shown = await on.as_admin("user", user=row.get("NAME") or "")
    except SkipassError:
        return None
    return _wrong(on, row, properties(shown)) if shown else None


def _of(rows: tuple[Mapping[str, str | None], ...], told: str, login: str) -> Mapping[str, str | None] | None:
    return next((row for row in rows if (row.get(told) or "").upper() == login.upper()), None)


def _wrong(on: Patient, row: Mapping[str, str | None], shown: Properties) -> Finding | None:
    if shown.get("DISABLED") == "true" or row.get("DISABLED") == "true":
        return on.has(STEP, "user_disabled", f"{row.get('NAME')} is disabled")
    if on.connection.auth_method is not AuthMethod.KEY_PAIR or on.out is None:
        return None
    known = [shown.get("RSA_PUBLIC_KEY_FP"), shown.get("RSA_PUBLIC_KEY_2_FP")]
    if on.out.credential.fingerprint not in known:
        seen = f"registered is {', '.join(filter(None, known)) or 'no key'}, ours is {on.out.credential.fingerprint}"
        return on.has(STEP, "public_key", seen)
    return None
