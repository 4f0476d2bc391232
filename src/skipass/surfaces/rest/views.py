"""What REST adds to the gateway's views: the links and the text that a person reads before deciding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skipass.gateway.cards import Before, FullCard, Previews
from skipass.gateway.reach import Check
from skipass.gateway.views import (
    approval_view,
    card_url,
    connection_view,
    decision_view,
    session_view,
    statement_view,
    user_view,
)
from skipass.nouns.approval import Approval
from skipass.nouns.connection import Connection, Credential
from skipass.nouns.people import Agent, User
from skipass.nouns.principal import Principal
from skipass.nouns.session import AccessSession
from skipass.surfaces.edge.visible import visible

Json = dict[str, Any]


def caller_body(principal: Principal) -> Json:
    """Return who is asking, and on whose behalf."""
    user = {"id": principal.user_id, "name": principal.user_name} if principal.user_id else None
    person = principal.is_person
    return {
        "kind": "user" if person else "agent",
        "id": principal.user_id if person else principal.agent_id,
        "name": principal.user_name if person else principal.agent_name,
        "user": user,
        "roles": sorted(role.value for role in principal.roles),
    }


def session_body(session: AccessSession, base_url: str, now: datetime, approval: Approval | None = None) -> Json:
    """Return a session; `approval` is null, or id and address of the question about it, in full where it is at hand."""
    asked: Json | None = approval_view(approval, base_url) if approval else None
    if asked is None and session.approval_id:
        asked = {"id": session.approval_id, "url": card_url(base_url, session.approval_id)}
    return session_view(session, now) | {"approval": asked}


def card_body(full: FullCard, base_url: str, now: datetime) -> Json:
    """Return everything an approver decides on; `text` is exactly what would run, `text_visible` how to read it."""
    card = full.card
    return {
        "approval": approval_view(card.approval, base_url),
        "session": session_body(card.session, base_url, now) if card.session else None,
        "statement": statement_view(card.statement, card.text) if card.statement else None,
        "text": card.text,
        "text_visible": visible(card.text) if card.text is not None else None,
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


def _before(before: Before) -> Json:
    return {"times": before.times, "among": before.among, "states": dict(before.states)}


def _explained(previews: Previews) -> Json:
    rows = [dict(row) for row in previews.explain] if previews.explain is not None else None
    return {"rows": rows, "why": previews.explain_why}


def _affected(previews: Previews) -> Json:
    return {"rows": previews.affected_rows, "why": previews.affected_why}


def _named(thing: Agent | User | None) -> Json | None:
    return {"id": thing.id, "name": thing.name} if thing else None


def check_body(check: Check) -> Json:
    """Return one step of a connection's test; `ok` is null where the gateway cannot see."""
    return {"name": check.name, "ok": check.ok, "seen": check.seen, "fix": check.fix}


def credentialed_body(connection: Connection, credential: Credential | None) -> Json:
    """Return a connection with the fingerprint of its public key; the private one never leaves."""
    known = {"fingerprint": credential.fingerprint, "generation": credential.generation} if credential else None
    return connection_view(connection) | {"credential": known}


def link_body(user: User) -> Json:
    """Return whom a link is for."""
    return {"user": user_view(user)}
