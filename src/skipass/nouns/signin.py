"""Sign-ins of people in a browser, and who changed whose identity: what eligibility to decide hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of a person in a browser; the cookie's text is kept as its SHA-256 alone.

    `proved_at` is when the person proved who they are, None where that is not known to be fresh, and then it decides
    nothing. It is good for one decision: `decided_at` is when that was. `made_by` is who made the one-time link it came
    from, or the identity provider's issuer, whose answer `proof` is the digest of: none is used twice.
    """

    id: str
    tenant_id: str
    user_id: str
    hash: str
    made_by: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 1
    proved_at: datetime | None = None
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One act on a person's identity: `by` made the person, a sign-in link for them, or changed what they may do."""

    id: str
    tenant_id: str
    user_id: str
    by: str
    what: str
    at: datetime
