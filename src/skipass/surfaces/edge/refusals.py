"""A failure of one tool call as the envelope an agent can act on; the same words through every surface."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skipass.errors import Kind, SkipassError
from skipass.nouns.envelope import Envelope, Status

_SPECIAL: Mapping[str, Status] = MappingProxyType(
    {
        "approval_denied": Status.DENIED,
        "unknown_connection": Status.NOT_FOUND,
        "result_expired": Status.EXPIRED,
        "statement_cancelled": Status.CANCELLED,
        "statement_unknown": Status.UNKNOWN,
        "warehouse_required": Status.FAILED,
    }
)
_WORDS = frozenset(status.value for status in Status)


def envelope_of(error: SkipassError, execution_id: str) -> Envelope:
    """Return the envelope of a call that ended in `error`; its code, message and hint are among the fields."""
    fields = {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}
    return Envelope(_status(error), execution_id, fields=fields | {"details": error.details})


def _status(error: SkipassError) -> Status:
    if error.code in _SPECIAL:
        return _SPECIAL[error.code]
    if error.code in _WORDS:
        return Status(error.code)
    return Status.DENIED if error.kind in (Kind.REFUSED, Kind.FORBIDDEN) else Status.FAILED
