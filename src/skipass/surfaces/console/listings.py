"""What there is, a page at a time: agents, people, MCP servers.

Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from skipass.errors import SkipassError
from skipass.gateway.sessions import sees_all
from skipass.nouns.principal import Principal
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked

_PAGE = 50
Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class _Listing:
    """One kind of thing: what the page is called, its columns, how to find them, and what each shows.

    `key` is what a page goes on from, `hint` what to do where there is none yet, `opens` the page of one of them.
    """

    title: str
    columns: Cells
    hint: str
    find: Callable[[Principal, str], Awaitable[Sequence[Any]]]
    key: Callable[[Any], str]
    cells: Callable[[Any], Cells]
    opens: Callable[[Any], str] | None = None


class Listings:
    """`/console/agents`, `/console/people` and `/console/servers`."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        gateway = frame.gateway
        self._listings = {
            "servers": _Listing(
                "MCP servers",
                ("Address", "Leads to", "Sessions", "State"),
                "skipass mcp-server add SLUG opens one.",
                lambda by, after: gateway.servers.list(by, after=after, limit=_PAGE + 1),
                lambda one: one.server.slug,
                lambda one: (
                    f"{gateway.deps.base_url}/{one.server.slug}/mcp",
                    one.server.upstream or f"our tools over {one.connection}",
                    one.server.sessions.value,
                    one.server.state.value,
                ),
                lambda one: f"/console/slugs/{one.server.slug}",
            ),
        }

    async def show(self, asked: Asked) -> Reply:
        """Show a page of one kind of thing, to people who look at everything."""
        by = await self._frame.caller(asked)
        if not sees_all(by.principal):
            raise SkipassError("forbidden", "This page is for people who administer, decide or audit.")
        listing, after = self._listings[last_step(asked)], asked.named().get("after", "")
        found = await listing.find(by.principal, after)
        more = quote(listing.key(found[_PAGE - 1]), safe="") if len(found) > _PAGE else None
        rows = [listing.cells(one) for one in found[:_PAGE]]
        opens = listing.opens
        links = {listing.cells(one)[0]: opens(one) for one in found} if opens else {}
        around = {"more": more, "after": after, "path": asked.path, "links": links}
        return self._frame.page(
            "listing.html", by, here=asked.path, listing=listing, rows=rows, links=links, around=around
        )
