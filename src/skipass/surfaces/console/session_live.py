"""One session while it is looked at: what stands above its statements, and the statements as they come and change.

Only statements that changed are read, unsealed and rendered again.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from skipass.gateway.core import Gateway
from skipass.gateway.following import SessionNow, Standing
from skipass.surfaces.console.frame import PAGES
from skipass.surfaces.console.live import mark
from skipass.surfaces.console.session_views import LIVE, standing_values, told
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.events import Fragment
from skipass.surfaces.edge.requests import SignedIn

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE = 50


class Look:
    """One viewer's look at one session, from the statement after the id `after` on."""

    def __init__(self, gateway: Gateway, by: SignedIn, session_id: str, after: str) -> None:
        self._lists, self._by, self._id, self._after = gateway.session_lists, by, session_id, after

    def parts(self, now: SessionNow) -> dict[str, Markup]:
        """Return the pieces of the page around its statements."""
        may_end = now.named.session.state in LIVE
        ids = list(now.statements)
        values = {
            **standing_values(now),
            "form": form_token(self._by.cookie, self._id) if may_end else None,
            "later": self._after,
            "more": ids[PAGE - 1] if len(ids) > PAGE else None,
        }
        return {name: PAGES.part(f"session_{name}.html", **values) for name in ("standing", "left", "begin", "end")}

    def mark(self, now: SessionNow) -> str:
        """Return what tells this look from others: of each piece, and of where its statements stand."""
        return f"{mark(self.parts(now))}.{_mark(_page(now))}"

    async def timeline(self, now: SessionNow) -> Markup:
        """Return all statements of the page."""
        return PAGES.part("session_timeline.html", statements=await self._told(list(_page(now))), there=())

    async def follow(self, answers: AsyncGenerator[SessionNow, None], seen: str) -> AsyncGenerator[Fragment, None]:
        """Yield what changed: pieces under their names, and statements to append or to put in the place of others."""
        marks, known = seen.split("."), None
        async with aclosing(answers):
            async for now in answers:
                parts, page = self.parts(now), _page(now)
                fresh = self.mark(now).split(".")
                marks = marks if len(marks) == len(fresh) else [""] * len(fresh)
                if marks[-1] != fresh[-1]:
                    marks[-1] = fresh[-1]
                    yield await self._statements(now, known, ".".join(marks))
                for at, (name, html) in enumerate(parts.items()):
                    if marks[at] != fresh[at]:
                        marks[at] = fresh[at]
                        yield Fragment(name, html, ".".join(marks))
                known = page

    async def _statements(self, now: SessionNow, known: Standing | None, seen: str) -> Fragment:
        if known is None:
            return Fragment("timeline", await self.timeline(now), seen)
        moved = [one for one, state in _page(now).items() if known.get(one) != state]
        told_now = await self._told(moved)
        return Fragment("statements", PAGES.part("session_statements.html", statements=told_now, there=known), seen)

    async def _told(self, ids: Sequence[str]) -> list[dict[str, object]]:
        if not ids:
            return []
        return told(await self._lists.replay(self._by.principal, self._id, limit=len(ids), only=ids))


def _page(now: SessionNow) -> Standing:
    return dict(list(now.statements.items())[:PAGE])


def _mark(statements: Standing) -> str:
    return hashlib.sha256(repr(sorted(statements.items())).encode()).hexdigest()[:16]
