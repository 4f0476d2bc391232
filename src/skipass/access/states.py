"""The state tables. A transition that is not here does not happen, and each one writes its event.

requested ─▶ open ─▶ closing ─▶ closed          a session; `expires_at` is set when it opens and never grows
held ─▶ approved ─▶ admitted ─▶ submitted ─▶ …  a statement; `unknown` is looked up, never run again
waiting ─▶ approved, denied, lapsed, withdrawn  an approval
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from skipass.nouns.account import AccountState, LinkState
from skipass.nouns.approval import ApprovalState
from skipass.nouns.connection import CredentialState
from skipass.nouns.review import ReviewState
from skipass.nouns.session import SessionState
from skipass.nouns.statement import StatementState

Table = Mapping[StrEnum, frozenset[StrEnum]]


def _table(rows: dict[StrEnum, set[StrEnum]]) -> Table:
    return MappingProxyType({state: frozenset(after) for state, after in rows.items()})


_N, _L = AccountState, LinkState
_S, _T, _A, _C = SessionState, StatementState, ApprovalState, CredentialState

SESSION = _table(
    {
        _S.REQUESTED: {_S.OPEN, _S.DENIED, _S.WITHDRAWN, _S.LAPSED},
        _S.OPEN: {_S.CLOSING},
        _S.CLOSING: {_S.CLOSED},
    }
)

STATEMENT = _table(
    {
        _T.HELD: {_T.APPROVED, _T.DENIED, _T.LAPSED, _T.WITHDRAWN},
        _T.APPROVED: {_T.ADMITTED, _T.LAPSED, _T.WITHDRAWN},
        _T.ADMITTED: {_T.SUBMITTED, _T.NOT_SENT, _T.UNKNOWN},
        _T.SUBMITTED: {_T.CANCELLING, _T.SUCCEEDED, _T.FAILED, _T.CANCELLED, _T.UNKNOWN},
        _T.CANCELLING: {_T.SUCCEEDED, _T.FAILED, _T.CANCELLED, _T.UNKNOWN},
        _T.UNKNOWN: {_T.SUCCEEDED, _T.FAILED, _T.CANCELLED, _T.NOT_FOUND},
    }
)

REVIEW = _table({ReviewState.OPEN: {ReviewState.CLOSED}})

APPROVAL = _table({_A.WAITING: {_A.APPROVED, _A.DENIED, _A.LAPSED, _A.WITHDRAWN}})

CREDENTIAL = _table(
    {
        _C.NONE: {_C.ACTIVE},
        _C.ACTIVE: {_C.REFRESHING, _C.EXPIRED, _C.REVOKED},
        _C.REFRESHING: {_C.ACTIVE, _C.EXPIRED, _C.REVOKED},
    }
)

_LINKED = {_N.PENDING_VERIFICATION, _N.ACTIVE}
_ENDED = {_N.REVOKED, _N.DISCONNECTED}

ACCOUNT = _table(
    {
        _N.PENDING_AUTH: {*_LINKED, *_ENDED},
        _N.PENDING_VERIFICATION: {_N.ACTIVE, _N.PENDING_AUTH, *_ENDED},
        _N.ACTIVE: {_N.EXPIRED, *_ENDED},
        _N.EXPIRED: {*_LINKED, *_ENDED},
        _N.REVOKED: {*_LINKED, _N.DISCONNECTED},
        _N.DISCONNECTED: {*_LINKED},
    }
)

LINK = _table(
    {
        _L.MADE: {_L.STARTED, _L.FAILED, _L.VOID},
        _L.STARTED: {_L.FINISHED, _L.FAILED, _L.VOID},
    }
)

TABLES: Mapping[type[StrEnum], Table] = MappingProxyType(
    {
        SessionState: SESSION,
        StatementState: STATEMENT,
        ApprovalState: APPROVAL,
        ReviewState: REVIEW,
        CredentialState: CREDENTIAL,
        AccountState: ACCOUNT,
        LinkState: LINK,
    }
)

FINAL = frozenset(
    {_T.REFUSED, _T.DENIED, _T.LAPSED, _T.WITHDRAWN, _T.NOT_SENT, _T.SUCCEEDED, _T.FAILED, _T.CANCELLED, _T.NOT_FOUND}
)
"""States of a statement that nothing follows."""

RUNNING = frozenset({_T.ADMITTED, _T.SUBMITTED, _T.CANCELLING, _T.UNKNOWN})
"""States of a statement that may be at work in Snowflake."""


def may(before: StrEnum, after: StrEnum) -> bool:
    """Return whether the table of this noun has the transition."""
    return after in TABLES[type(before)].get(before, frozenset())
