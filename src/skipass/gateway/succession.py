"""Succession: a session that follows another takes over what that one still has at work, and ends it.

Time never grows: the successor is a request of its own, and only when it opens does anything pass to it.
"""

from __future__ import annotations

from datetime import datetime

from skipass.access.sessions import covers
from skipass.access.sqlguard import canonical_scope
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.moves import move
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.nouns.approval import Approval, ApprovalState
from skipass.nouns.scope import Scope
from skipass.nouns.session import AccessSession, EndReason, SessionState
from skipass.nouns.statement import Statement, StatementState

_AT_WORK = (
    *(StatementState.HELD, StatementState.APPROVED, StatementState.ADMITTED, StatementState.SUBMITTED),
    *(StatementState.CANCELLING, StatementState.UNKNOWN),
)


def extendable(before: AccessSession, now: datetime) -> None:
    """Raise `expired` for a session that is over, `conflict` for one that nobody asked for."""
    if before.automatic:
        raise SkipassError("conflict", "An automatic session is not extended.", "Ask for a session of your own.")
    if before.state is not SessionState.OPEN or not before.expires_at or before.expires_at <= now:
        raise SkipassError("expired", f"The session is {before.state} and cannot be extended.", "Ask for a new one.")


def no_less(before: AccessSession, wanted: Scope, default_role: str) -> None:
    """Raise `invalid_scope` unless the successor has the same role and warehouse and everything its predecessor has."""
    scope = canonical_scope(wanted)
    if (scope.role or default_role) != before.role or (scope.warehouse or before.warehouse) != before.warehouse:
        raise SkipassError("invalid_scope", "A session is extended under its own role and warehouse.")
    if not covers(scope, before.scope):
        raise SkipassError("invalid_scope", "The scope leaves out something of the session it extends.", "Add to it.")


async def take_over(unit: UnitOfWork, successor: AccessSession) -> None:
    """End the predecessor, if it is still open, and move to the successor whatever is not finished or not fetched."""
    before = await unit.get(AccessSession, successor.predecessor_id, state=SessionState.OPEN)
    if before is None:
        return
    adopted = await unit.find(Statement, session_id=before.id, state=_AT_WORK)
    adopted += [s for s in await _results(unit, before) if s.delivered_at is None or len(s.partitions) > 1]
    for statement in adopted:
        await unit.change(statement, session_id=successor.id)
    for approval in await unit.find(Approval, session_id=before.id, state=ApprovalState.WAITING):
        await unit.change(approval, session_id=successor.id)
    facts = {"successor_id": successor.id, "adopted": [statement.id for statement in adopted]}
    unit.emit(Event(before.tenant_id, "session.extended", before.id, facts, before.id))
    ended = {"reason": EndReason.RELEASED.value, "by": successor.id}
    await move(unit, before, SessionState.CLOSING, ended, end_reason=EndReason.RELEASED)


async def _results(unit: UnitOfWork, session: AccessSession) -> list[Statement]:
    return await unit.find(Statement, session_id=session.id, state=StatementState.SUCCEEDED, descending=True)


async def lineage(reader: Reader, session: AccessSession | None) -> list[str]:
    """Return a session's id and those of the sessions it follows: what was bound in one of them is bound in it."""
    ids: list[str] = []
    while session is not None:
        ids.append(session.id)
        session = await reader.get(AccessSession, session.predecessor_id)
    return ids
