"""The record as a file: a span of time or one session, a line an event, as the command line writes it.

Read and written a page at a time. A verifier checks it without the gateway.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from skipass.audit.chain import line_of
from skipass.audit.searching import Search
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader
from skipass.gateway.sessions import Sessions
from skipass.nouns.principal import Principal, Role

_AT_ONCE = 1000


class Exporting:
    """The use cases of taking the record away."""

    def __init__(self, deps: Deps, sessions: Sessions) -> None:
        self._deps, self._sessions = deps, sessions

    async def span(
        self, principal: Principal, *, since_us: int = 0, until_us: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Return pieces of a file with the tenant's events of a span of time; for admins and auditors.

        Within each chain nothing is left out between the first and the last of them.
        """
        require(principal, Role.ADMIN, Role.AUDITOR)
        return self._pieces(Search(principal.tenant_id, (since_us, "", 0), until_us, limit=_AT_ONCE, window=_AT_ONCE))

    async def session(self, principal: Principal, session_id: str) -> AsyncGenerator[bytes, None]:
        """Return pieces of a file with the events of one session; for whoever may see it. Raises `not_found`."""
        session = await self._sessions.of(principal, session_id)
        return self._pieces(Search(session.tenant_id, session_id=session.id, limit=_AT_ONCE, window=_AT_ONCE))

    async def _pieces(self, search: Search) -> AsyncGenerator[bytes, None]:
        while True:

            async def load(reader: Reader, search: Search = search) -> tuple[bytes, Search | None]:
                found = await reader.search(search)
                onward = replace(search, after=found.onward) if found.onward is not None else None
                return b"".join(map(line_of, found.records)), onward

            piece, onward = await self._deps.journal.read(load)
            if piece:
                yield piece
            if onward is None:
                return
            search = onward
