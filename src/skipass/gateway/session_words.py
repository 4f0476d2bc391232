"""What is said of a session: on record when it is asked for, to whoever is refused, and once it is no longer open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from skipass.access.policy import LONGEST_BREAK_S, Finding, Ruling
from skipass.access.sessions import SessionDecision
from skipass.errors import SkipassError
from skipass.gateway.standing import Standing
from skipass.nouns.scope import Scope, name_parts
from skipass.nouns.session import AccessSession, SessionState


def asked_for(session: AccessSession, asks: Sequence[str]) -> dict[str, Any]:
    """Return what the first event of a session says of it."""
    return {
        "reason": session.reason,
        "scope": session.scope.as_dict(),
        "ttl_s": session.ttl_s,
        "user_id": session.user_id,
        "agent_id": session.agent_id,
        "role": session.role,
        "connection_id": session.connection_id,
        "budgets": session.left.as_dict(),
        "asks": asks,
        **({"predecessor_id": session.predecessor_id} if session.predecessor_id else {}),
        **({"break_glass": True} if session.break_glass else {}),
    }


def refused(here: Standing, session: AccessSession, found: Finding, decision: SessionDecision) -> SkipassError:
    """Return the refusal, with the longest session that policy would look at where only the time was too long."""
    message = f"The session is refused: {'; '.join(decision.reasons)}."
    if found.ruling is Ruling.DENY:
        return SkipassError("denied_by_policy", message, "The rule decides, not a person; ask an admin.")
    if session.break_glass and found.ruling is None:
        hint = f"{LONGEST_BREAK_S} seconds is the most; without break_glass it is an ordinary request."
        return SkipassError("denied_by_policy", message, hint)
    longest = min(here.policy.longest_ttl_s, found.obligations.longest_s or here.policy.longest_ttl_s)
    if session.role not in here.roles:
        return SkipassError("not_allowed", message, f"Roles it allows: {', '.join(sorted(here.roles))}.")
    request = {"connection": here.connection.name, "scope": session.scope.as_dict(), "ttl_s": longest}
    return SkipassError("not_allowed", message, "Ask for less.", details={"request": request | {"reason": ""}})


def usable(session: AccessSession | None, now: datetime) -> AccessSession:
    """Return the session if it is open now; raises what it is instead."""
    if session is None:
        raise SkipassError("not_found", "There is no such session for this caller.", "Ask for one.")
    if session.state is SessionState.OPEN and session.expires_at and session.expires_at > now:
        return session
    if session.state is SessionState.REQUESTED:
        details = {"session_id": session.id, "approval": {"id": session.approval_id}}
        raise SkipassError("approval_required", "The session waits for a person.", retryable=True, details=details)
    code = {SessionState.DENIED: "approval_denied", SessionState.LAPSED: "lapsed", SessionState.WITHDRAWN: "withdrawn"}
    ended = session.end_reason.value if session.end_reason else session.state.value
    message = f"The session has ended ({ended})."
    raise SkipassError(code.get(session.state, "expired"), message, "Ask for a new session.")


def current(scope: Scope, database: str | None, schema: str | None) -> tuple[str | None, str | None]:
    """Return the current schema: the connection's own where the scope holds it, else the scope's first."""
    inside = [name_parts(name) for name in scope.schemas]
    if (database, schema) in inside:
        return database, schema
    first = inside[0]
    return (first[0], first[1]) if len(first) == 2 else (database, schema)
