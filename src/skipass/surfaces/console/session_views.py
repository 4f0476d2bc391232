"""What the templates of sessions show, as plain values. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from skipass.gateway.following import SessionNow
from skipass.gateway.session_lists import NamedSession, Replay, Told
from skipass.nouns.approval import Approval, ApprovalState, Decision
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.surfaces.console.card_views import area
from skipass.surfaces.console.highlight import MOST, highlighted

LIVE = (SessionState.REQUESTED, SessionState.OPEN)
_OUTCOMES: Mapping[StatementState, str] = MappingProxyType(
    {
        StatementState.REFUSED: "refused",
        StatementState.HELD: "waits for a person",
        StatementState.SUCCEEDED: "ran",
        StatementState.FAILED: "failed in Snowflake",
        StatementState.CANCELLED: "cancelled",
    }
)
_BAD = (StatementState.REFUSED, StatementState.FAILED)


def row(named: NamedSession, now: datetime) -> dict[str, Any]:
    """Return one line of a list of sessions."""
    session = named.session
    return {
        "id": session.id,
        "state": told_state(session),
        "live": session.state in LIVE,
        "left": left_of(session, now),
        "agent": named.agent,
        "user": named.user,
        "connection": named.connection,
        "at": session.requested_at,
        "reason": session.reason,
    }


def told_state(session: AccessSession) -> str:
    """Return where a session stands, and why it ended."""
    return f"{session.state.value}, {session.end_reason.value}" if session.end_reason else session.state.value


def left_of(session: AccessSession, now: datetime) -> str:
    """Return how long an open session still lasts, in words."""
    if session.state is not SessionState.OPEN or session.expires_at is None:
        return ""
    seconds = max(0, int((session.expires_at - now).total_seconds()))
    return f"{seconds // 60} min {seconds % 60} s left" if seconds >= 60 else f"{seconds} s left"


def standing_values(now: SessionNow) -> dict[str, Any]:
    """Return the values of one session's page but for its statements."""
    session = now.named.session
    return {
        "id": session.id,
        "state": told_state(session),
        "open": session.state is SessionState.OPEN,
        "agent": now.named.agent,
        "user": now.named.user,
        "connection": now.named.connection,
        "at": session.requested_at,
        "reason": session.reason,
        "what": area(session),
        "automatic": session.automatic,
        "break_glass": session.break_glass,
        "opened_at": session.opened_at,
        "expires_at": session.expires_at,
        "closed_at": session.closed_at,
        "asked": _asked(now.approval, now.decisions),
        "budgets": session.left.as_dict(),
        "predecessor": session.predecessor_id,
        "over": session.state not in (*LIVE, SessionState.CLOSING),
    }


def told(replay: Replay) -> list[dict[str, Any]]:
    """Return the values of its statements."""
    return [_told(one) for one in replay.statements]


def _asked(approval: Approval | None, decisions: Sequence[tuple[Decision, str]]) -> dict[str, Any] | None:
    if approval is None:
        return None
    said = [
        {"who": who, "word": "approved" if one.approved else "denied", "reason": one.reason, "at": one.at}
        for one, who in decisions
    ]
    return {"id": approval.id, "said": said, "waits": approval.state is ApprovalState.WAITING}


def _told(told: Told) -> dict[str, Any]:
    one = told.statement
    return {
        "id": one.id,
        "at": one.created_at,
        "tool": one.tool,
        "kind": one.kind.value,
        "outcome": _OUTCOMES.get(one.state, one.state.value.replace("_", " ")),
        "bad": one.state in _BAD,
        "text": highlighted(told.text),
        "more": max(0, len(told.text) - MOST),
        "reads": one.reads,
        "writes": one.writes,
        "reasons": [f"{reason.get('message') or reason.get('code')}" for reason in one.reasons],
        "rows": one.result_rows,
        "took": _took(one),
        "error": one.error_code,
        "asked": _asked(told.approval, told.decisions),
    }


def _took(statement: Statement) -> str:
    if statement.submitted_at is None or statement.finished_at is None:
        return ""
    return f"{(statement.finished_at - statement.submitted_at).total_seconds():.2f} s"
