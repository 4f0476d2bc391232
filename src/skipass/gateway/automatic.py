"""Automatic sessions after an explicit one: they stay off for that agent, user and connection until an admin allows it.

So "the path is gone until the next request" is literally true, however long ago the explicit session was.
"""

from __future__ import annotations

from typing import Any

from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.leave import EVER
from skipass.gateway.people import require
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.ids import new_id
from skipass.nouns.connection import Connection
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal, Role
from skipass.nouns.session import AccessSession, AutomaticLeave


class Automatic:
    """The use case of allowing automatic sessions again."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def allow(self, principal: Principal, *, agent: str, user: str | None, connection: str) -> AutomaticLeave:
        """Let automatic sessions open again from now on, for an agent, a user (its owner) and a connection, by name.

        The next explicit session turns them off again. Raises `not_found`, and `conflict` while an explicit one lasts.
        """
        by = require(principal, Role.ADMIN)
        tenant_id = principal.tenant_id

        async def allow(unit: UnitOfWork) -> AutomaticLeave:
            who = await _one(unit, Agent, "agent", tenant_id=tenant_id, name=agent)
            wanted: dict[str, Any] = {"name": user} if user is not None else {"id": who.owner_id}
            person = await _one(unit, User, "user", tenant_id=tenant_id, **wanted)
            where = await _one(unit, Connection, "connection", tenant_id=tenant_id, name=connection)
            whose: dict[str, Any] = {"agent_id": who.id, "user_id": person.id, "connection_id": where.id}
            if await unit.count(AccessSession, automatic=False, opened_at__gt=EVER, closed_at=None, **whose):
                raise SkipassError("conflict", "An explicit session of theirs is open.", "Close it first.")
            leave = await _leave(unit, tenant_id, whose, by)
            unit.emit(Event(tenant_id, "session.automatic_allowed", leave.id, {**whose, "by": by}))
            return leave

        return await self._deps.journal.write(allow)


async def _leave(unit: UnitOfWork, tenant_id: str, whose: dict[str, Any], by: str) -> AutomaticLeave:
    found = await unit.find(AutomaticLeave, limit=1, **whose)
    if found:
        return await unit.change(found[0], at=unit.now, by=by)
    made = AutomaticLeave(new_id("automatic", unit.now), tenant_id, at=unit.now, by=by, **whose)
    await unit.insert(made)
    return made


async def _one(reader: Reader, kind: type[Any], noun: str, **where: Any) -> Any:
    found = await reader.find(kind, limit=1, **where)
    if not found:
        raise SkipassError("not_found", f"There is no such {noun}.", f"See skipass {noun} list.")
    return found[0]
