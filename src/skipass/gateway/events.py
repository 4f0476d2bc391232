"""The record, read back: a tenant's events a page at a time, and everything one session left."""

from __future__ import annotations

from collections.abc import Sequence

from skipass.audit.chain import Record
from skipass.gateway.deps import Deps
from skipass.gateway.people import require
from skipass.gateway.ports import Reader
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession

MOST = 1000


class Events:
    """The use cases of the record."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def list(self, principal: Principal, *, after: str | None, limit: int) -> Sequence[Record]:
        """Return a page of the tenant's events in order of time, for admins and auditors."""
        require(principal, Role.ADMIN, Role.AUDITOR)
        return await self._page(principal.tenant_id, None, after, min(limit, MOST))

    async def of_session(self, session: AccessSession) -> Sequence[Record]:
        """Return every event of a session in order of time; whoever may see the session may see these."""
        records: list[Record] = []
        after: str | None = None
        while True:
            page = await self._page(session.tenant_id, session.id, after, MOST)
            records += page
            if len(page) < MOST:
                return records
            after = f"{page[-1].at_us}:{page[-1].writer}:{page[-1].seq}"

    async def _page(self, tenant_id: str, session_id: str | None, after: str | None, limit: int) -> Sequence[Record]:
        async def load(reader: Reader) -> Sequence[Record]:
            return await reader.events(tenant_id, session_id=session_id, after=after, limit=limit)

        return await self._deps.journal.read(load)
