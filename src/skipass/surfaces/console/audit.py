"""The record, to look through: events by moment, person, agent, connection, kind, id and text; and one event whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from skipass.audit.chain import micros
from skipass.audit.events import EVENT_KINDS
from skipass.audit.searching import Place
from skipass.errors import SkipassError
from skipass.gateway.searching import WINDOW
from skipass.gateway.searching import Asked as Wanted
from skipass.surfaces.console.audit_views import event_values, row_values
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

HERE = "/console/audit"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_NARROWS = ("kind", "about", "person", "agent", "connection", "text")
_FIELDS = ("from", "until", *_NARROWS)
_EVENT = re.compile(r"([a-zA-Z0-9_.]{1,60})-([1-9]\d{0,17})", re.ASCII)
_PLACE = re.compile(r"(\d{1,18}):([a-zA-Z0-9_.-]{0,60}):(\d{1,18})", re.ASCII)


class AuditPage:
    """`/console/audit` and `/console/events`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show up to a hundred events that fit; the page says how far it looked and where to go on."""
        by, query = await self._frame.caller(asked), asked.named()
        given = {name: query.get(name, "").strip()[:300] for name in _FIELDS}
        since = moment(given["from"]) if given["from"] else self._since(given)
        until = moment(given["until"]) if given["until"] else None
        narrow = {name: given[name] for name in _NARROWS}
        wanted = Wanted(_after(query.get("after", ""), since), micros(until) if until else None, **narrow)
        found = await self._gateway.searching.find(by.principal, wanted)
        kept = {name: text for name, text in given.items() if text}
        span = {name: given[name] for name in ("from", "until") if given[name]}
        return self._frame.page(
            "audit.html",
            by,
            here=HERE,
            rows=[row_values(one) for one in found.records],
            given=given,
            since=since,
            kinds=list(EVENT_KINDS),
            onward=urlencode({**kept, "after": written(found.onward)}) if found.onward else None,
            looked_to=at(found.onward[0]) if found.onward else None,
            window=WINDOW,
            export=urlencode(span),
        )

    def _since(self, given: Mapping[str, str]) -> datetime:
        """Return from when on: what is looked for by its id may be old, anything else is of the last day."""
        return _EPOCH if given["about"] else self._gateway.deps.journal.now() - _DAY

    async def event(self, asked: Asked) -> Reply:
        """Show one event whole, with its place in its chain."""
        by = await self._frame.caller(asked)
        which = _EVENT.fullmatch(asked.named().get("of", ""))
        if which is None:
            raise SkipassError("not_found", "There is no such event.")
        placed = await self._gateway.searching.one(by.principal, which[1], int(which[2]))
        signed, _ = await self._gateway.proving.checkpoints(by.principal, limit=20)
        return self._frame.page("event.html", by, here=HERE, **event_values(placed, signed))


def at(at_us: int) -> datetime:
    """Return microseconds since 1970 as a moment."""
    return _EPOCH + timedelta(microseconds=at_us)


def written(place: Place) -> str:
    """Return a place as an address carries it."""
    return ":".join(map(str, place))


def place(given: str) -> Place:
    """Return the place that an address carries; raises `invalid_request`."""
    found = _PLACE.fullmatch(given)
    if found is None:
        raise SkipassError("invalid_request", "The address is not one of this page's.", "Start again.")
    return int(found[1]), found[2], int(found[3])


def moment(given: str) -> datetime:
    """Return a moment as a browser's field writes it, which is UTC here; raises `invalid_request`."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year <= 9000:
        raise SkipassError("invalid_request", "The moment cannot be read.", "Write it as 2026-01-31T08:00, in UTC.")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _after(given: str, since: datetime) -> Place:
    return place(given) if given else (max(0, micros(since)), "", 0)
