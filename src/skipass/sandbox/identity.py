"""Who sends a request and which roles the credential lets that user take.

Source: https://docs.snowflake.com/en/user-guide/oauth-snowflake-overview and .../oauth-ext-overview.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skipass.sandbox import failures, refusals
from skipass.sandbox.catalog import Catalog, User
from skipass.sandbox.failures import Failure
from skipass.sandbox.privileges import available_roles
from skipass.sandbox.session import Session

OAUTH = "OAUTH"
KEYPAIR = "KEYPAIR_JWT"
PAT = "PROGRAMMATIC_ACCESS_TOKEN"


@dataclass(frozen=True, slots=True)
class RoleRule:
    """The primary roles that an integration lets through: `allowed` empty is all but the `blocked` ones."""

    allowed: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()

    def admits(self, role: str) -> bool:
        """Tell whether the role may be primary."""
        return role not in self.blocked and (not self.allowed or role in self.allowed)


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a request. `roles` are those the credential is bound to, None if it is bound to none.

    `any_role` lets the request name any granted role; `outside` marks a token of an outside issuer, whose refusals
    have a code of their own; `agentic` marks the session as an agent's; `secondary` opens it with the user's default
    secondary roles beside the primary one.
    """

    user: User
    kind: str = KEYPAIR
    roles: tuple[str, ...] | None = None
    any_role: bool = False
    rule: RoleRule = RoleRule()
    integration: str | None = None
    outside: bool = False
    agentic: bool = False
    secondary: bool = False

    def enter(self, session: Session) -> Session:
        """Mark a session as opened by this credential, and return it."""
        session.credential, session.agentic = self.kind, self.agentic
        listed = self.user.options.get("DEFAULT_SECONDARY_ROLES", "ALL").upper()
        session.secondary = self.secondary and listed == "ALL"
        return session


_BOUND: dict[str, Callable[[str], Failure]] = {
    "390186": failures.role_not_granted,
    "390189": failures.role_unknown,
    "390317": refusals.role_not_listed,
}


def primary_role(catalog: Catalog, identity: Identity, wanted: str | None, refusal: str) -> str:
    """Return the role of a session, or raise the 401 that fits the credential.

    `refusal` says which code answers a role outside a Snowflake OAuth token: 390186, 390189 or 390317.
    """
    if identity.roles is None:
        role = _free(catalog, identity, wanted)
    elif wanted is None:
        role = _bound_default(identity)
    elif wanted in identity.roles:
        role = wanted
    else:
        raise _outside_token(identity, wanted, refusal)
    if role not in catalog.roles and not identity.outside:
        raise failures.role_unknown(role)
    if not identity.rule.admits(role) or role not in available_roles(catalog, identity.user):
        raise failures.role_not_granted(role)
    return role


def _free(catalog: Catalog, identity: Identity, wanted: str | None) -> str:
    if wanted is not None and wanted not in catalog.roles:
        raise failures.role_unknown(wanted)
    default = identity.user.options.get("DEFAULT_ROLE", "")
    fallback = default if default in available_roles(catalog, identity.user) else "PUBLIC"
    return wanted or fallback


def _bound_default(identity: Identity) -> str:
    roles = identity.roles or ()
    default = identity.user.options.get("DEFAULT_ROLE", "")
    if default in roles:
        return default
    if len(roles) == 1:
        return roles[0]
    raise refusals.role_not_listed(default)


def _outside_token(identity: Identity, wanted: str, refusal: str) -> Failure:
    if identity.outside:
        return refusals.role_not_listed(wanted)
    if identity.kind == PAT:
        return refusals.role_outside_credential(wanted)
    return _BOUND[refusal](wanted)
