"""Cutting off: when an agent, a user or a connection is disabled, everything of theirs ends in the same transaction."""

from __future__ import annotations

from typing import Any

from skipass.gateway.holding import withdraw_all
from skipass.gateway.moves import move
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.sessions import withdraw_request
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState


async def cut(unit: UnitOfWork, by: str, reason: EndReason, **whose: Any) -> None:
    """End every session of `agent_id`, `user_id` or `connection_id`, and take back what waits, tickets included.

    Nothing of theirs is admitted once this commits; what runs is cancelled right after.
    """
    await unit.next_revocation()
    for session in await unit.find(AccessSession, state=SessionState.REQUESTED, limit=100_000, **whose):
        await withdraw_request(unit, session, by)
    for session in await unit.find(AccessSession, state=SessionState.OPEN, limit=100_000, **whose):
        facts = {"reason": reason.value, "by": by}
        await move(unit, session, SessionState.CLOSING, facts, end_reason=reason)
    waiting = (StatementState.HELD, StatementState.APPROVED)
    held = await unit.find(Statement, state=waiting, limit=100_000, **whose)
    for session_id in sorted({statement.session_id for statement in held}):
        ended = await unit.get(AccessSession, session_id)
        if ended is not None:
            await withdraw_all(unit, ended, reason.value)
