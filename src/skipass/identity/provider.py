"""The company's identity provider as the deployment names it, and what its word about a person means here.

Pure: claims in, a person's name, roles and groups out. Knows no token, no network and no row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from skipass.errors import SkipassError
from skipass.nouns.principal import Role
from skipass.secret import Secret

MOST_GROUPS = 500
LONGEST_CLAIM = 500
_OVERAGE = ("_claim_names", "hasgroups")


class Create(StrEnum):
    """Who is let in that nobody here knows: whom a mapped group gives a role, everybody as a member, or nobody."""

    MAPPED = "mapped"
    MEMBER = "member"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One OpenID Connect provider and our client at it.

    `roles` are what its groups give, by group; while it is empty, roles are what an admin gave. `label` is what people
    read on the page of signing in.
    """

    issuer: str
    client_id: str
    client_secret: Secret[str] | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"
    username_claim: str = "preferred_username"
    roles: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)
    create: Create = Create.MAPPED
    label: str = "the identity provider"


@dataclass(frozen=True, slots=True)
class Who:
    """Whom the provider vouches for: `subject` is unique and never given to anybody else, a name is only a name.

    `groups` is None where the provider says nothing of them, which is not the same as none.
    """

    subject: str
    username: str | None
    groups: frozenset[str] | None
    claims: Mapping[str, str]


def who(provider: IdentityProvider, claims: Mapping[str, Any], wanted: Collection[str]) -> Who:
    """Return whom verified claims are about; of the claims only an e-mail and those `wanted` are kept.

    An e-mail address counts only where the provider says that it verified it: otherwise people write it themselves.
    Raises `sign_in_failed` for claims that cannot be read.
    Source: OpenID Connect Core 1.0 §5.1 and §5.7
    """
    kept = {name: text for name in {"email", *wanted} if (text := _text(claims, name)) is not None}
    return Who(
        subject=f"{provider.issuer}|{claims['sub']}",
        username=_text(claims, provider.username_claim),
        groups=_groups(claims, provider.groups_claim),
        claims=kept,
    )


def roles_of(provider: IdentityProvider, groups: Collection[str]) -> tuple[Role, ...]:
    """Return the roles that these groups give, in the order of `Role`."""
    given = {role for group in groups for role in provider.roles.get(group, ())}
    return tuple(role for role in Role if role in given)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if name == "email" and claims.get("email_verified") is not True:
        return None
    usable = isinstance(value, str) and 0 < len(value) <= LONGEST_CLAIM and value.isprintable()
    return value if usable else None


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """Return the groups; a provider that keeps back a list because it is long has not said that it is empty.

    Source: https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference (groups overage)
    """
    found = claims.get(name)
    if found is None:
        if any(mark in claims for mark in _OVERAGE):
            hint = f"Have the provider send only the groups assigned to this application as {name}."
            raise SkipassError("sign_in_failed", "The identity provider keeps the list of groups back.", hint)
        return None
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed) or len(listed) > MOST_GROUPS:
        hint = f"At most {MOST_GROUPS} groups, as a list of texts."
        raise SkipassError("sign_in_failed", f"The claim {name} is no list of groups.", hint)
    return frozenset(listed)
