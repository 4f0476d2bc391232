"""Sessions to look at and to cut: a list, one of them from request to close, and what it left as a file."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson

from skipass.errors import SkipassError
from skipass.gateway.session_lists import Wanted
from skipass.nouns.session import SessionState
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.session_views import LIVE, replay_values, row
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, file_to_keep, moved
from skipass.surfaces.edge.requests import Asked

_PAGE = 50
_NAMES = ("agent", "user", "connection")


class SessionPages:
    """`/console/sessions…` and `/console/records/…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def list(self, asked: Asked) -> Reply:
        """Show sessions, newest first: a person's own, or everybody's to those who see all."""
        by = await self._frame.caller(asked)
        query = asked.named()
        given = {name: query.get(name, "").strip() for name in ("state", *_NAMES)}
        wanted = Wanted(_state(given["state"]), *(given[name] for name in _NAMES))
        after = query.get("after") or None
        found = await self._gateway.session_lists.page(by.principal, wanted, after=after, limit=_PAGE + 1)
        now = self._gateway.deps.journal.now()
        rest = {"after": found[_PAGE - 1].session.id} if len(found) > _PAGE else None
        older = urlencode({**{name: text for name, text in given.items() if text}, **rest}) if rest else None
        rows, states = [row(one, now) for one in found[:_PAGE]], [state.value for state in SessionState]
        return self._frame.page(
            "sessions.html", by, here=asked.path, rows=rows, given=given, states=states, older=older, later=after
        )

    async def show(self, asked: Asked) -> Reply:
        """Show one session: who asked and why, what people said, every statement, how it ended."""
        by = await self._frame.caller(asked)
        session_id, after = last_step(asked), asked.named().get("after", "")
        replay = await self._gateway.session_lists.replay(by.principal, session_id, after=after, limit=_PAGE + 1)
        more = replay.statements[_PAGE - 1].statement.id if len(replay.statements) > _PAGE else None
        values = replay_values(replay, self._gateway.deps.journal.now())
        values["statements"] = values["statements"][:_PAGE]
        may_end = replay.named.session.state in LIVE
        form = form_token(by.cookie, session_id) if may_end else None
        return self._frame.page("session.html", by, **values, more=more, later=after, form=form)

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


def _state(given: str) -> SessionState | None:
    if given and given not in set(SessionState):
        raise SkipassError("invalid_request", "There is no such state of a session.")
    return SessionState(given) if given else None
