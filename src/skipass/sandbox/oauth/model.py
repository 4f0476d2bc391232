"""What an account keeps to let tokens in: integrations, network policies, consents, codes, tokens by digest.

Plain state and its look-ups, without clocks, HTTP or SQL. Secrets that are only ever compared are kept as SHA-256
digests; client secrets are shown again by SYSTEM$SHOW_OAUTH_CLIENT_SECRETS and so are kept as they are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

SNOWFLAKE, EXTERNAL = "OAUTH", "EXTERNAL_OAUTH"


def digest(secret: str) -> str:
    """Return the name under which a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def mark(form: Mapping[str, str]) -> str | None:
    """Return a name for the code or refresh token of a token request that tells nothing about it."""
    given = form.get("code") or form.get("refresh_token")
    return digest(given)[:16] if given else None


@dataclass(slots=True)
class Integration:
    """A security integration; `options` holds the values of every option that was set, defaults left out."""

    name: str
    kind: str
    created: datetime
    owner: str
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    client_id: str = ""
    secret: str = field(default="", repr=False)
    secret_2: str = field(default="", repr=False)

    def values(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the values of an option."""
        return self.options.get(name, default)

    def text(self, name: str, default: str = "") -> str:
        """Return the one value of an option."""
        found = self.options.get(name)
        return found[0] if found else default

    def flag(self, name: str, default: bool = False) -> bool:
        """Return an option that is true or false."""
        return self.text(name, str(default)).upper() == "TRUE"

    def number(self, name: str, default: int) -> int:
        """Return an option that is a whole number."""
        return int(self.text(name, str(default)))

    @property
    def enabled(self) -> bool:
        """Whether anything may come through it."""
        return self.flag("ENABLED", self.kind == SNOWFLAKE)

    @property
    def confidential(self) -> bool:
        """Whether its client must prove itself."""
        return self.text("OAUTH_CLIENT_TYPE", "CONFIDENTIAL") == "CONFIDENTIAL"

    def owns_secret(self, secret: str) -> bool:
        """Tell whether this is one of the client's secrets, in constant time."""
        return any(hmac.compare_digest(secret.encode(), one.encode()) for one in (self.secret, self.secret_2) if one)


@dataclass(slots=True)
class NetworkPolicy:
    """Which addresses may come in: in `allowed` (or it is empty) and not in `blocked`."""

    name: str
    created: datetime
    owner: str
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One authorisation and every token that descends from it; `single` rotates its refresh tokens."""

    id: str
    integration: str
    user: str
    role: str
    scope: str
    any_role: bool = False
    offline: bool = False
    single: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code: good once, for one client, redirect address and challenge."""

    family: Family
    redirect_uri: str
    challenge: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """An access or refresh token: its family and its end; a refresh token that was spent stays known as `used`."""

    family: str
    expires: datetime
    used: bool = False


@dataclass(slots=True)
class AccessToken:
    """A programmatic access token, known by its secret's digest."""

    name: str
    user: str
    secret: str
    created: datetime
    created_by: str
    expires: datetime
    role: str = ""
    comment: str = ""
    bypass_until: datetime | None = None
    bypass_minutes: int | None = None
    disabled: bool = False
    rotated_to: str = ""


@dataclass(slots=True)
class SignIn:
    """Everything an account knows about letting tokens in. Keys of codes and tokens are digests.

    `withdrawn` are access tokens that were revoked together, with their ends.
    """

    integrations: dict[str, Integration] = field(default_factory=dict)
    policies: dict[str, NetworkPolicy] = field(default_factory=dict)
    consents: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)
    access: dict[str, Issued] = field(default_factory=dict)
    withdrawn: dict[str, datetime] = field(default_factory=dict)
    refresh: dict[str, Issued] = field(default_factory=dict)
    pats: dict[str, AccessToken] = field(default_factory=dict)
    account_policy: str = ""
    parameters: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)

    def client(self, client_id: str) -> Integration | None:
        """Return the integration of a client id, or None."""
        wanted = client_id.encode()
        for one in list(self.integrations.values()):
            if one.kind == SNOWFLAKE and hmac.compare_digest(one.client_id.encode(), wanted):
                return one
        return None

    def issuer(self, issuer: str) -> Integration | None:
        """Return the outside integration of exactly this issuer, or None."""
        for one in list(self.integrations.values()):
            if one.kind == EXTERNAL and one.text("EXTERNAL_OAUTH_ISSUER") == issuer:
                return one
        return None

    def end_family(self, family: str) -> None:
        """Forget every token of an authorisation, so that none is accepted again."""
        self.families.pop(family, None)
        self.access = {key: one for key, one in self.access.items() if one.family != family}

    def end_matching(self, *, integration: str | None = None, user: str | None = None, role: str | None = None) -> int:
        """End every authorisation that fits, None fitting all, and return how many."""
        ended = [
            one.id
            for one in self.families.values()
            if integration in (None, one.integration) and user in (None, one.user) and role in (None, one.role)
        ]
        self.withdrawn |= {key: one.expires for key, one in self.access.items() if one.family in ended}
        for family in ended:
            self.end_family(family)
        codes = {key: code for key, code in self.codes.items() if code.family.id not in ended}
        self.codes = {key: code for key, code in codes.items() if not _fits(code.family, integration, user, role)}
        return len(ended)


def _fits(family: Family, integration: str | None, user: str | None, role: str | None) -> bool:
    return integration in (None, family.integration) and user in (None, family.user) and role in (None, family.role)
