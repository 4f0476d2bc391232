"""Access session: the request and the window in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from skipass.nouns.scope import Scope


class SessionState(StrEnum):
    """requested → open → closing → closed, or requested → denied, withdrawn, lapsed."""

    REQUESTED = "requested"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class EndReason(StrEnum):
    """Why a session ended."""

    RELEASED = "released"
    EXPIRED = "expired"
    IDLE = "idle"
    REVOKED = "revoked"
    BUDGET = "budget"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a session may still use: statements, rows and uncompressed bytes delivered, wall seconds of execution."""

    statements: int = 1_000
    rows: int = 1_000_000
    bytes: int = 1 << 30
    seconds: int = 36_000

    def as_dict(self) -> dict[str, int]:
        """Return the JSON shape of requests and answers."""
        return {"statements": self.statements, "rows": self.rows, "bytes": self.bytes, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class AccessSession:
    """Who may touch what, for whom, until when, and why.

    While requested it has `decide_by`; `expires_at` is set when it opens and never grows. `ttl_s` was asked for.
    The four `*_left` are what remains of the budgets. `break_glass`: it was asked for as an emergency. `version`
    changes with every state change, not with a debit.
    """

    id: str
    tenant_id: str
    connection_id: str
    user_id: str
    agent_id: str | None
    state: SessionState
    scope: Scope
    role: str
    reason: str
    ttl_s: int
    statements_left: int
    rows_left: int
    bytes_left: int
    seconds_left: int
    requested_at: datetime
    last_call_at: datetime
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    automatic: bool = False
    decide_by: datetime | None = None
    opened_at: datetime | None = None
    expires_at: datetime | None = None
    closed_at: datetime | None = None
    end_reason: EndReason | None = None
    approval_id: str | None = None
    predecessor_id: str | None = None
    break_glass: bool = False
    version: int = 1

    @property
    def left(self) -> Budgets:
        """What remains of the budgets."""
        return Budgets(self.statements_left, self.rows_left, self.bytes_left, self.seconds_left)


@dataclass(frozen=True, slots=True)
class AutomaticLeave:
    """An admin's word that automatic sessions may open again; explicit ones that ended before `at` no longer matter."""

    id: str
    tenant_id: str
    agent_id: str
    user_id: str
    connection_id: str
    at: datetime
    by: str
    version: int = 1
