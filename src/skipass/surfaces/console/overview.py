"""The overview: how things stand, with a picture of the last hour that is made here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from skipass.gateway.account_status import HINTS
from skipass.gateway.overview import SPAN, Overview, Span, watching
from skipass.gateway.session_lists import NamedSession
from skipass.gateway.signed import Kept
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.console.frame import PAGES, Frame
from skipass.surfaces.console.live import Topics, changed, mark, seen_by
from skipass.surfaces.edge.events import Events
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

if TYPE_CHECKING:
    from markupsafe import Markup

_TALL = 100
_STEP = 40
_WORDS = ("allowed", "held", "refused")
_EVERY_S = 2.0
# The newest lines of the checkpoints: every gateway of a deployment signs for every tenant in turn.
_LINES = 20
_Now: TypeAlias = tuple[Overview, "dict[str, Any] | None"]
_MINUTES = SPAN.total_seconds() / 60


class OverviewPage:
    """`/console/overview` and what follows it."""

    def __init__(self, frame: Frame, topics: Topics) -> None:
        self._frame, self._gateway, self._topics = frame, frame.gateway, topics

    async def show(self, asked: Asked) -> Reply:
        """Show what is open, what waits, the last hour, and whose account needs a hand."""
        by = await self._frame.caller(asked)
        parts = await _parts(await self._now(by.principal))
        return self._frame.page("overview.html", by, here=asked.path, live=True, parts=parts, seen=mark(parts))

    async def follow(self, asked: Asked) -> Events:
        """Tell what changes of it, to those who look at everything."""
        by = await self._frame.caller(asked)
        watching(by.principal)
        topic = ("overview", by.principal.tenant_id, _reads_the_record(by.principal))
        answers = self._topics.follow(topic, lambda: self._now(by.principal), _EVERY_S)
        return self._frame.events(asked, by, changed(answers, _parts, seen_by(asked)))

    async def _now(self, principal: Principal) -> _Now:
        """Return how things stand, and of the record what this person may see of it."""
        found = await self._gateway.overviews.now(principal)
        if not _reads_the_record(principal):
            return found, None
        kept, _ = await self._gateway.proving.checkpoints(principal, limit=_LINES)
        return found, signed_up_to(kept)


def _reads_the_record(principal: Principal) -> bool:
    return bool({Role.ADMIN, Role.AUDITOR} & principal.roles)


def signed_up_to(kept: Sequence[Kept]) -> dict[str, Any]:
    """Return up to which minute the record is signed, and whether the newest signature holds."""
    at = next((datetime.fromisoformat(one.checkpoint.at) for one in kept if one.checkpoint), None)
    holds = not kept or kept[0].checkpoint is not None
    return {"at": at.replace(second=0, microsecond=0) if at else None, "holds": holds}


async def _parts(now: _Now) -> dict[str, Markup]:
    found, signed = now
    troubled = [
        {"user": one.identifier, "connection": one.connection.name, "status": one.account.state.value}
        | {"hint": HINTS.get(one.account.reason or "", "")}
        for one in found.troubled
    ]
    counted = {"live_count": found.live_count, "waiting": found.waiting, "troubled_count": found.troubled_count}
    wide, spans = _STEP * len(found.spans), [_told(one) for one in found.spans]
    return {
        "counts": PAGES.part("overview_counts.html", **counted),
        "record": PAGES.part("overview_record.html", signed=signed),
        "hour": PAGES.part("overview_hour.html", bars=bars(found.spans), wide=wide, tall=_TALL),
        "numbers": PAGES.part("overview_numbers.html", spans=spans),
        "things": PAGES.part("overview_things.html", live=[_open(one) for one in found.live], troubled=troubled),
    }


def _open(named: NamedSession) -> dict[str, Any]:
    session = named.session
    names = {"agent": named.agent, "user": named.user, "connection": named.connection}
    return {"id": session.id, "until": session.expires_at, **names}


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
