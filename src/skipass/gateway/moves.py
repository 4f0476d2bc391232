"""The one way a state changes: by a table of `skipass.access.states`, by compare-and-set, with its event."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from skipass.access.states import may
from skipass.audit.events import Event
from skipass.errors import SkipassError
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.account import ConnectedAccount, LinkAttempt
from skipass.nouns.approval import Approval
from skipass.nouns.connection import Credential
from skipass.nouns.review import Review
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement

M = TypeVar("M", AccessSession, Statement, Approval, Review, Credential, ConnectedAccount, LinkAttempt)
_NOUNS: Mapping[type[Any], str] = {
    AccessSession: "session",
    Statement: "statement",
    Approval: "approval",
    Review: "review",
    Credential: "credential",
    ConnectedAccount: "account",
    LinkAttempt: "link_attempt",
}


async def move(unit: UnitOfWork, record: M, to: StrEnum, body: Mapping[str, Any] | None = None, **changes: Any) -> M:
    """Return the record in its new state, or raise `conflict` if it is elsewhere or may not go there.

    The event `<noun>.<state>` carries the states, `body`, and is chained in the same transaction.
    """
    noun = _NOUNS[type(record)]
    if not may(record.state, to):
        raise SkipassError("conflict", f"The {noun} is {record.state} and cannot become {to}.", "Look at it again.")
    moved = await unit.change(record, state=to, **changes)
    facts = {"from": record.state.value, "to": to.value, **(body or {})}
    unit.emit(Event(record.tenant_id, f"{noun}.{to.value.lower()}", record.id, facts, session_of(record)))
    return moved


async def begin(unit: UnitOfWork, record: M, body: Mapping[str, Any]) -> M:
    """Insert a record in its first state, with that state's event."""
    await unit.insert(record)
    noun, state = _NOUNS[type(record)], record.state.value
    unit.emit(Event(record.tenant_id, f"{noun}.{state.lower()}", record.id, {"to": state, **body}, session_of(record)))
    return record


def session_of(record: Any) -> str | None:
    """Return the session a record belongs to, if any."""
    if isinstance(record, AccessSession):
        return record.id
    return getattr(record, "session_id", None)
