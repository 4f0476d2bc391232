"""The probe: a connection may have its idle accounts asked now and then who they are, so that a revocation is noticed.

Off unless the connection's setting `probe_minutes` says how often. One process at a time probes a connection.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.system import System
from skipass.gateway.way_out import Out, ways_out
from skipass.nouns.account import AccountState, ConnectedAccount
from skipass.nouns.connection import Connection, Switch
from skipass.nouns.people import Life, User
from skipass.nouns.statement import Statement

ROUND_S = 20.0
SETTING = "probe_minutes"
_log = structlog.get_logger("skipass.probe")


class Probe:
    """Asks idle accounts who they are; what Snowflake answers ends them, or does not, like any other answer."""

    def __init__(self, deps: Deps, system: System) -> None:
        self._deps, self._system = deps, system

    async def round(self) -> int:
        """Probe the connections whose time has come, and return how many accounts were asked."""

        async def load(reader: Reader) -> list[Connection]:
            return await reader.find(Connection, state=Switch.ENABLED, per_user=True, limit=10_000)

        every = [(one, _minutes(one)) for one in await self._deps.journal.read(load)]
        return sum([await self._probe(connection, minutes) for connection, minutes in every if minutes])

    async def _probe(self, connection: Connection, minutes: int) -> int:
        age = timedelta(minutes=minutes)
        if not await self._deps.journal.write(lambda unit: _take(unit, connection, age)):
            return 0
        idle = await self._deps.journal.read(lambda reader: _idle(reader, connection, age))
        for out in idle:
            try:
                await self._system.ask("identity", out, role=out.role)
            except SkipassError as error:
                _log.info("probe.refused", account=out.account.id if out.account else None, code=error.code)
        return len(idle)


def _minutes(connection: Connection) -> int:
    value = connection.settings.get(SETTING)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


async def _take(unit: UnitOfWork, connection: Connection, age: timedelta) -> bool:
    """Return whether this process is to probe now; writing down the time keeps others from it."""
    name = f"probed:{connection.id}"
    last = await unit.setting(name)
    if last is not None and unit.now - datetime.fromisoformat(last) < age:
        return False
    await unit.set(name, unit.now.isoformat())
    return True


async def _idle(reader: Reader, connection: Connection, age: timedelta) -> list[Out]:
    """Return one way out for each active account of which nothing has run for that long."""
    whose: dict[str, Any] = {"tenant_id": connection.tenant_id, "connection_id": connection.id}
    found = []
    for account in await reader.find(ConnectedAccount, state=AccountState.ACTIVE, limit=10_000, **whose):
        lately = {"user_id": account.user_id, "created_at__gt": reader.now - age}
        person = await reader.get(User, account.user_id, state=Life.ACTIVE)
        if person is not None and not await reader.count(Statement, **whose, **lately):
            ways = await ways_out(
                reader, tenant_id=connection.tenant_id, connection=connection, user_id=account.user_id
            )
            found += [ways.any()] if ways.credentials else []
    return found
