"""What the scope of an authorization request asks for.

Malformed scopes are refused before anybody signs in; whether the user has the role shows only afterwards.
Source: https://docs.snowflake.com/en/user-guide/oauth-custom.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from skipass.sandbox.names import shown

OFFLINE, ANY, DEFAULT = "refresh_token", "session:role-any", "session:role:all"
_ROLE, _ENCODED = "session:role:", "session:role-encoded:"


class BadScope(Exception):
    """The scope is malformed or names something that this account does not offer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The role asked for (None is the default one), whether it may be switched, and whether to refresh."""

    role: str | None
    any_role: bool
    offline: bool


def read(scope: str) -> Asked:
    """Return what a scope asks for, or raise BadScope."""
    parts = scope.split()
    roles = [part for part in parts if part.startswith((_ROLE, _ENCODED))]
    if len(roles) > 1 or any(part not in (OFFLINE, ANY, *roles) for part in parts):
        raise BadScope
    return Asked(_role(roles[0]) if roles else None, ANY in parts, OFFLINE in parts)


def _role(text: str) -> str | None:
    if text == DEFAULT:
        return None
    role = unquote(text.removeprefix(_ENCODED)) if text.startswith(_ENCODED) else text.removeprefix(_ROLE)
    if not role:
        raise BadScope
    return role


def written(role: str, any_role: bool, offline: bool) -> str:
    """Return the scope of a token, its role always named."""
    named = _ROLE + role if shown(role) == role else _ENCODED + quote(role, safe="")
    return " ".join((*((OFFLINE,) if offline else ()), *((ANY,) if any_role else ()), named))
