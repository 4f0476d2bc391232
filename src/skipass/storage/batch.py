"""One PostgreSQL transaction of many entries, each under its own savepoint, their events chained as they come.

SERIALIZABLE: what holds over SQLite because one thread writes, holds here because the server refuses a commit that
could not have happened one after the other. Knows no queue, no callers and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import structlog

from skipass.audit.chain import Head, link, micros
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.storage import queries
from skipass.storage.entry import Entry, not_recorded
from skipass.storage.postgres import AskingExecutor, Broken, Busy, Conflict, Question, Unstorable, ask, drive
from skipass.storage.server import run
from skipass.storage.sql import insert_sql
from skipass.storage.tables import events
from skipass.storage.unit import StoredUnit

_log = structlog.get_logger("skipass.journal")


class Batch:
    """A transaction of one writer; `heads` are those of the commit, once it has happened."""

    def __init__(self, connection: Any, writer: str, now: datetime, heads: Mapping[str, Head], *, judges: bool) -> None:
        self._connection, self._writer, self._now, self._judges = connection, writer, now, judges
        self.heads = dict(heads)
        self.transaction = ""
        self.commit_sent = False

    async def begin(self) -> bool:
        """Begin, and say that the writer lives; False if another has taken it for dead and sealed its chain."""
        await run(self._connection, "BEGIN ISOLATION LEVEL SERIALIZABLE")
        return await self._touch()

    async def renew(self, writer: str) -> None:
        """Go on in a new chain."""
        self._writer, self.heads = writer, {}
        await self._touch()

    async def _touch(self) -> bool:
        (row,) = await self._ask(queries.TOUCH_WRITER, {"writer": self._writer, "now": micros(self._now)})
        self.transaction = row["transaction"]
        return row["sealed_by"] is None

    async def reread(self, tenants: set[str]) -> None:
        """Take the heads of these tenants from the database: a commit that seemed to fail may have reached it."""
        for tenant in tenants:
            rows = await self._ask(queries.HEAD, {"tenant_id": tenant, "writer": self._writer})
            self.heads[tenant] = Head(rows[0]["seq"], rows[0]["hash"]) if rows else Head()

    async def attempt(self, entry: Entry) -> None:
        """Do one entry's work, whole or not at all; raises `Conflict` and `Broken`, which are about every entry."""
        unit = StoredUnit(AskingExecutor(), self._now, judges=self._judges)
        before = dict(self.heads)
        entry.error = None
        await run(self._connection, "SAVEPOINT entry")
        try:
            entry.result = await drive(cast(Any, entry.work(unit)), self._connection)
            for event in unit.emitted:
                await self.chain(event)
        except (Conflict, Broken):
            raise
        except Exception as error:  # noqa: BLE001  it belongs to the caller that is waiting for it
            entry.error = _told(error)
            self.heads = before
            await run(self._connection, "ROLLBACK TO SAVEPOINT entry")
        await run(self._connection, "RELEASE SAVEPOINT entry")

    async def chain(self, event: Event) -> None:
        """Append an event to the writer's chain."""
        record, head = link(self.heads.get(event.tenant_id, Head()), self._writer, self._now, event)
        values = {name: getattr(record, name) for name in record.__slots__}
        await ask(self._connection, Question(insert_sql(events), values, counts=True))
        self.heads[event.tenant_id] = head

    async def commit(self) -> None:
        """Commit; only an error that is no `Conflict` leaves it open whether that happened."""
        self.commit_sent = True
        await run(self._connection, f"COMMIT; {queries.GIVE_TURNS_BACK}")

    async def _ask(self, sql: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await ask(self._connection, Question(sql, values, counts=False))
        return rows


def _told(error: Exception) -> Exception:
    if isinstance(error, Busy):
        return not_recorded()
    if isinstance(error, Unstorable):
        _log.error("entry.failed", reason=str(error))
        return SkipassError("internal_error")
    return error
