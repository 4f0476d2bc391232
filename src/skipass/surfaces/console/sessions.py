"""Sessions to look at and to cut: a list, one of them from request to close, and what it left as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from skipass.errors import SkipassError
from skipass.gateway.session_lists import Wanted
from skipass.nouns.session import SessionState
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.live import Topics, seen_by
from skipass.surfaces.console.session_live import PAGE, Look
from skipass.surfaces.console.session_views import row, standing_values
from skipass.surfaces.edge.events import Events
from skipass.surfaces.edge.pages import Reply, file_to_keep, moved
from skipass.surfaces.edge.requests import Asked

_NAMES = ("agent", "user", "connection")


class SessionPages:
    """`/console/sessions…` and `/console/records/…`."""

    def __init__(self, frame: Frame, topics: Topics) -> None:
        self._frame, self._gateway, self._topics = frame, frame.gateway, topics

    async def list(self, asked: Asked) -> Reply:
        """Show sessions, newest first: a person's own, or everybody's to those who see all."""
        by = await self._frame.caller(asked)
        query = asked.named()
        given = {name: query.get(name, "").strip() for name in ("state", *_NAMES)}
        wanted = Wanted(_state(given["state"]), *(given[name] for name in _NAMES))
        after = query.get("after") or None
        found = await self._gateway.session_lists.page(by.principal, wanted, after=after, limit=PAGE + 1)
        now = self._gateway.deps.journal.now()
        rest = {"after": found[PAGE - 1].session.id} if len(found) > PAGE else None
        older = urlencode({**{name: text for name, text in given.items() if text}, **rest}) if rest else None
        rows, states = [row(one, now) for one in found[:PAGE]], [state.value for state in SessionState]
        return self._frame.page(
            "sessions.html", by, here=asked.path, rows=rows, given=given, states=states, older=older, later=after
        )

    async def show(self, asked: Asked) -> Reply:
        """Show one session: who asked and why, what people said, every statement, how it ended."""
        by, session_id, after = await self._frame.caller(asked), last_step(asked), _after(asked)
        now = await self._gateway.following.session(by.principal, session_id, after=after, limit=PAGE + 1)
        look = Look(self._gateway, by, session_id, after)
        values: dict[str, Any] = {
            "parts": look.parts(now),
            "timeline": await look.timeline(now),
            "seen": look.mark(now),
        }
        return self._frame.page("session.html", by, live=True, later=after, **values, **standing_values(now))

    async def follow(self, asked: Asked) -> Events:
        """Tell what happens in one session while it is looked at."""
        by, session_id, after = await self._frame.caller(asked), last_step(asked), _after(asked)
        following, limit = self._gateway.following, PAGE + 1
        await following.session(by.principal, session_id, after=after, limit=limit)
        topic = ("session", by.principal.tenant_id, session_id, after)
        answers = self._topics.follow(
            topic, lambda: following.session(by.principal, session_id, after=after, limit=limit)
        )
        look = Look(self._gateway, by, session_id, after)
        return self._frame.events(asked, by, look.follow(answers, seen_by(asked)))

    async def revoke(self, asked: Asked) -> Reply:
        """Take a session away."""
        session_id = last_step(asked)
        by, _ = await self._frame.posted(asked, session_id)
        await self._gateway.ending.revoke(by.principal, session_id)
        return moved(f"/console/sessions/{session_id}")

    async def record(self, asked: Asked) -> Reply:
        """Send everything a session left, as one file of JSON."""
        by, session_id = await self._frame.caller(asked), last_step(asked)
        record = await self._gateway.session_records.of(by.principal, session_id)
        return file_to_keep(f"{session_id}.json", "application/json", orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _after(asked: Asked) -> str:
    return asked.named().get("after", "")


def _state(given: str) -> SessionState | None:
    if given and given not in set(SessionState):
        raise SkipassError("invalid_request", "There is no such state of a session.")
    return SessionState(given) if given else None
