"""Everything one session left, as one JSON object: the session, its statements, what people were asked, every event.

Every way in shows this one; whoever may see the session may see it. Asks Snowflake nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skipass.gateway.cards import Before, Cards, FullCard, Previews
from skipass.gateway.deps import Deps
from skipass.gateway.events import Events
from skipass.gateway.sessions import Sessions
from skipass.gateway.views import (
    approval_view,
    card_url,
    decision_view,
    record_view,
    session_view,
    statement_view,
)
from skipass.nouns.approval import Approval
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession


class SessionRecords:
    """The use case of reading what a session left."""

    def __init__(self, deps: Deps, sessions: Sessions, cards: Cards, events: Events) -> None:
        self._deps, self._sessions, self._cards, self._events = deps, sessions, cards, events

    async def of(self, principal: Principal, session_id: str) -> dict[str, Any]:
        """Return the record of a session that this caller may look at; raises `not_found`."""
        session = await self._sessions.of(principal, session_id)
        statements = await self._sessions.statements(session)
        now, base_url = self._deps.journal.now(), self._deps.base_url
        asked = dict.fromkeys(filter(None, [session.approval_id, *(s.approval_id for s, _ in statements)]))
        cards = [await self._cards.brief(principal, approval_id) for approval_id in asked]
        return {
            "session": asked_session_view(session, base_url, now),
            "statements": [statement_view(statement, text) for statement, text in statements],
            "approvals": [card_view(card, base_url, now) for card in cards],
            "events": [record_view(record) for record in await self._events.of_session(session)],
        }


def asked_session_view(
    session: AccessSession, base_url: str, now: datetime, approval: Approval | None = None
) -> dict[str, Any]:
    """Return a session; `approval` is null, or id and address of the question about it, in full where it is at hand."""
    asked: dict[str, Any] | None = approval_view(approval, base_url) if approval else None
    if asked is None and session.approval_id:
        asked = {"id": session.approval_id, "url": card_url(base_url, session.approval_id)}
    return session_view(session, now) | {"approval": asked}


def card_view(full: FullCard, base_url: str, now: datetime) -> dict[str, Any]:
    """Return everything an approver decides on; `text` is exactly what would run."""
    card = full.card
    return {
        "approval": approval_view(card.approval, base_url),
        "session": asked_session_view(card.session, base_url, now) if card.session else None,
        "statement": statement_view(card.statement, card.text) if card.statement else None,
        "text": card.text,
        "bindings": card.bindings,
        "agent": _named(card.agent),
        "for_user": _named(card.requester),
        "reason": card.session.reason if card.session else None,
        "decisions": [
            decision_view(decision) | {"name": full.people.get(decision.user_id)} for decision in card.decisions
        ],
        "words": full.words,
        "before": _before(full.before) if full.before else None,
        "explain": _explained(full.previews) if full.previews else None,
        "affected_rows": _affected(full.previews) if full.previews else None,
        "undo": {"text": full.undo.text, "why": full.undo.why} if full.undo else None,
        "barred": full.barred,
    }


def _before(before: Before) -> dict[str, Any]:
    return {"times": before.times, "among": before.among, "states": dict(before.states)}


def _explained(previews: Previews) -> dict[str, Any]:
    rows = [dict(row) for row in previews.explain] if previews.explain is not None else None
    return {"rows": rows, "why": previews.explain_why}


def _affected(previews: Previews) -> dict[str, Any]:
    return {"rows": previews.affected_rows, "why": previews.affected_why}


def _named(thing: Agent | User | None) -> dict[str, Any] | None:
    return {"id": thing.id, "name": thing.name} if thing else None
