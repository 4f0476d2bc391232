"""Access tokens that this process holds: one for each credential, until its generation, its time or its right ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.account_status import HINTS
from skipass.gateway.ports import Reader
from skipass.gateway.way_out import consent_required
from skipass.nouns.account import AccountReason, ConnectedAccount, Registration
from skipass.nouns.connection import Connection, Credential
from skipass.snowflake.auth.tokens import Token


@dataclass(frozen=True, slots=True)
class Held:
    """An access token of one generation. It is used until `due_at` (UTC), while the revocation epoch is `epoch`.

    Before `fresh_until` (monotonic seconds) it is so young that its refusal means that the authorisation is gone.
    """

    generation: int
    token: Token
    due_at: datetime | None
    epoch: int
    fresh_until: float


@dataclass(frozen=True, slots=True)
class Line:
    """A credential with everything its refresh needs, read in one view."""

    credential: Credential
    connection: Connection
    account: ConnectedAccount | None
    registration: Registration | None


async def line_of(reader: Reader, credential_id: str) -> Line:
    """Return the line of a credential, or raise `not_found`."""
    credential = await reader.get(Credential, credential_id)
    connection = await reader.get(Connection, credential.connection_id) if credential else None
    if credential is None or connection is None:
        raise SkipassError("not_found", "There is no such credential.")
    whose: dict[str, Any] = {"tenant_id": credential.tenant_id, "connection_id": connection.id}
    account = await reader.get(ConnectedAccount, credential.account_id, **whose)
    if account is not None and account.registration_id is not None:
        return Line(credential, connection, account, await reader.get(Registration, account.registration_id, **whose))
    only = await reader.find(Registration, limit=2, **whose)
    return Line(credential, connection, account, only[0] if len(only) == 1 else None)


def ended(line: Line, base_url: str) -> SkipassError:
    """Return the refusal for a credential that has ended: who must do what, and the link for it."""
    reason = line.credential.reason or AccountReason.UNKNOWN
    needed = consent_required(line.connection, line.credential.role, base_url)
    message = f"The connected Snowflake account on {line.connection.name} has ended ({reason})."
    hint = f"{HINTS.get(reason, HINTS[AccountReason.UNKNOWN])} {needed.hint}"
    return SkipassError("consent_required", message, hint, details=needed.details | {"reason": reason})


def hindered(line: Line, reason: str) -> SkipassError:
    """Return the refusal for a credential that is as good as before, while something else stands in its way."""
    message = f"Snowflake refuses the gateway's client on {line.connection.name} ({reason})."
    return SkipassError("snowflake_rejected_credential", message, HINTS[reason], details={"reason": reason})


def unavailable(why: str) -> SkipassError:
    """Return the failure of a refresh that may succeed later."""
    return SkipassError("snowflake_unavailable", f"No fresh token was to be had: {why}", "Try again.", retryable=True)
