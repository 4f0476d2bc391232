"""The overview: how things stand, with a picture of the last hour that is made here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skipass.gateway.account_status import HINTS
from skipass.gateway.overview import SPAN, Span
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.console.session_views import row
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

_TALL = 100
_STEP = 40
_WORDS = ("allowed", "held", "refused")
_MINUTES = SPAN.total_seconds() / 60


class OverviewPage:
    """`/console/overview`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show what is open, what waits, the last hour, and whose account needs a hand."""
        by = await self._frame.caller(asked)
        found, now = await self._gateway.overviews.now(by.principal), self._gateway.deps.journal.now()
        troubled = [
            {"user": one.identifier, "connection": one.connection.name, "status": one.account.state.value}
            | {"hint": HINTS.get(one.account.reason or "", "")}
            for one in found.troubled
        ]
        return self._frame.page(
            "overview.html",
            by,
            here=asked.path,
            live=[row(one, now) for one in found.live],
            live_count=found.live_count,
            waiting=found.waiting,
            troubled=troubled,
            troubled_count=found.troubled_count,
            bars=bars(found.spans),
            spans=[_told(one) for one in found.spans],
            wide=_STEP * len(found.spans),
            tall=_TALL,
        )


def bars(spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Return the rectangles of the picture: for each span one on the other of what was allowed, held and refused."""
    most = max((one.allowed + one.held + one.refused for one in spans), default=0) or 1
    found = []
    for step, one in enumerate(spans):
        top = float(_TALL)
        for word in _WORDS:
            height = round(getattr(one, word) * _TALL / most, 2)
            top -= height
            if height:
                found.append({"word": word, "x": step * _STEP + 4, "y": round(top, 2), "height": height})
    return found


def _told(one: Span) -> dict[str, Any]:
    return {"at": one.at, **{word: f"{getattr(one, word) / _MINUTES:.1f}" for word in _WORDS}}
