"""What becomes of an exception nobody foresaw: its place is logged, its text is kept out of log and answer."""

from __future__ import annotations

import logging
import traceback

from skipass.errors import SkipassError

_log = logging.getLogger("skipass.edge")


def unforeseen(error: Exception, request_id: str) -> SkipassError:
    """Log where an exception came from, under the request's id, and return the `internal_error` to answer with."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {frame.name} at {frame.filename.rpartition('/')[2]}:{frame.lineno}"
    _log.error("unforeseen failure: %s", where, extra={"request_id": request_id})
    return SkipassError("internal_error", details={"request_id": request_id})
