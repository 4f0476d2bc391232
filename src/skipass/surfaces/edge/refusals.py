"""A failure of one tool call as the envelope an agent can act on; the same words through every surface."""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope, status_of


def envelope_of(error: SkipassError, execution_id: str) -> Envelope:
    """Return the envelope of a call that ended in `error`; its code, message and hint are among the fields."""
    fields = {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}
    return Envelope(status_of(error), execution_id, fields=fields | {"details": error.details})
