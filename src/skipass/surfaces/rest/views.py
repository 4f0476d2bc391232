"""What REST adds to the gateway's views: the links and the text that a person reads before deciding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skipass.gateway.cards import FullCard
from skipass.gateway.reach import Check
from skipass.gateway.session_record import asked_session_view, card_view
from skipass.gateway.views import connection_view, user_view
from skipass.nouns.approval import Approval
from skipass.nouns.connection import Connection, Credential
from skipass.nouns.people import User
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
    return asked_session_view(session, base_url, now, approval)


def card_body(full: FullCard, base_url: str, now: datetime) -> Json:
    """Return everything an approver decides on; `text` is exactly what would run, `text_visible` how to read it."""
    return readable(card_view(full, base_url, now))


def record_body(record: Json) -> Json:
    """Return what a session left, each text that was decided on also as people read it."""
    return record | {"approvals": [readable(card) for card in record["approvals"]]}


def readable(card: Json) -> Json:
    """Return a card with its text as a person must see it before deciding."""
    return card | {"text_visible": visible(card["text"]) if card["text"] is not None else None}


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
