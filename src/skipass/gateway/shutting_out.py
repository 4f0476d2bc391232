"""Shutting out: whoever loses the last slug that gave a connection loses what is open on it in the same transaction."""

from __future__ import annotations

from typing import Any

from skipass.gateway.cutting import cut
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.slug_access import may_use
from skipass.nouns.people import Agent, Life
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState

_MOST = 100_000
_LIVE = (SessionState.REQUESTED, SessionState.OPEN)
_WAITING = (StatementState.HELD, StatementState.APPROVED)


async def end_shut_out(unit: UnitOfWork, by: str, **whose: Any) -> None:
    """End what MCP clients have on connections that no slug gives them any more, of a `connection_id` or a `user_id`.

    To be called after the change that shuts them out. An agent with a key of its own keeps what it has.
    """
    sessions = await unit.find(AccessSession, state=_LIVE, limit=_MOST, **whose)
    waiting = await unit.find(Statement, state=_WAITING, limit=_MOST, **whose)
    pairs = {(one.agent_id, one.connection_id) for one in sessions}
    pairs |= {(one.agent_id, one.connection_id) for one in waiting}
    for agent_id, connection_id in sorted((agent, connection) for agent, connection in pairs if agent):
        agent = await unit.get(Agent, agent_id, state=Life.ACTIVE)
        if agent is None or agent.client_id is None or await may_use(unit, agent, connection_id):
            continue
        await cut(unit, by, EndReason.REVOKED, agent_id=agent.id, connection_id=connection_id)
