"""The record, to look through: events from a moment on, by kind, by what they are about, by session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from skipass.audit.chain import Record
from skipass.audit.events import EVENT_KINDS
from skipass.errors import SkipassError
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

_PAGE = 100
_STEP, _STEPS = 1000, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MOST = 600
_FIELDS = ("from", "kind", "about")


@dataclass(frozen=True, slots=True)
class _Found:
    """The events that fit, how many were looked at, and the cursor to go on from, None at the end."""

    records: Sequence[Record]
    looked: int
    onward: str | None


class AuditPage:
    """`/console/audit`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._events = frame, frame.gateway.events

    async def show(self, asked: Asked) -> Reply:
        """Show up to a hundred events that fit, of at most five thousand looked at; the page says where to go on."""
        by, query = await self._frame.caller(asked), asked.named()
        given = {name: query.get(name, "").strip() for name in _FIELDS}
        now = self._frame.gateway.deps.journal.now()
        since = _moment(given["from"]) if given["from"] else now - _DAY
        after = query.get("after") or f"{int((since - _EPOCH) / timedelta(microseconds=1))}::0"
        kind, about = given["kind"], given["about"]
        found = await self._look(by.principal, after, kind, about)
        kept = {name: text for name, text in given.items() if text}
        onward = urlencode({**kept, "after": found.onward}) if found.onward else None
        rows = [_row(one) for one in found.records]
        around: dict[str, Any] = {
            "given": given,
            "since": since,
            "onward": onward,
            "looked": found.looked,
            "kinds": list(EVENT_KINDS),
        }
        return self._frame.page("audit.html", by, here=asked.path, rows=rows, **around)

    async def _look(self, principal: Any, after: str, kind: str, about: str) -> _Found:
        fits: list[Record] = []
        looked = 0
        for _ in range(_STEPS):
            page = await self._events.list(principal, after=after, limit=_STEP)
            for record in page:
                looked, after = looked + 1, f"{record.at_us}:{record.writer}:{record.seq}"
                if record.kind.startswith(kind) and (not about or about in (record.subject, record.session_id)):
                    fits.append(record)
                    if len(fits) == _PAGE:
                        return _Found(fits, looked, after)
            if len(page) < _STEP:
                return _Found(fits, looked, None)
        return _Found(fits, looked, after)


def _moment(given: str) -> datetime:
    """Return a moment as a browser's field writes it, which is UTC here; raises `invalid_request`."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 9000:
        raise SkipassError("invalid_request", "The moment cannot be read.", "Write it as 2026-01-31T08:00, in UTC.")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _row(record: Record) -> dict[str, Any]:
    return {
        "at": _EPOCH + timedelta(microseconds=record.at_us),
        "kind": record.kind,
        "subject": record.subject,
        "session": record.session_id if (record.session_id or "").startswith("ses_") else None,
        "body": record.body[:_MOST] + ("…" if len(record.body) > _MOST else ""),
        "where": f"{record.writer} {record.seq}",
        "hash": record.hash,
    }
