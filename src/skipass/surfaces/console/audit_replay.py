"""A session stepped through, an event at a time, in the order in which it happened."""

from __future__ import annotations

from skipass.audit.searching import place_of
from skipass.surfaces.console.audit import place, written
from skipass.surfaces.console.audit_views import step_values
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked


class ReplayPage:
    """`/console/replays/…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show the first event of a session, or the one after a place, with the ways on and back."""
        by, after = await self._frame.caller(asked), asked.named().get("after", "")
        session_id = last_step(asked)
        given = {"after": place(after)} if after else {}
        step = await self._gateway.searching.step(by.principal, session_id, **given)
        back = written(step.back) if step.back is not None and step.back[0] >= 0 else ""
        return self._frame.page(
            "replay.html",
            by,
            here="/console/sessions",
            id=session_id,
            **step_values(step),
            first=step.back is None,
            back=back,
            onward=written(place_of(step.record)),
        )
