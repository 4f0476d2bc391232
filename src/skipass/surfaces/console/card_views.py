"""What the templates of a card and of a review show, as plain values. No rule lives here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import orjson

from skipass.gateway.cards import FullCard, Previews
from skipass.gateway.following import ApprovalNow
from skipass.gateway.reviews import ReviewCard
from skipass.nouns.approval import Approval, ApprovalState, Decision, Subject
from skipass.nouns.review import ReviewState
from skipass.nouns.session import AccessSession
from skipass.nouns.statement import Statement, StatementState
from skipass.surfaces.edge.visible import visible

_STATES = {
    ApprovalState.WAITING: "waits for people",
    ApprovalState.APPROVED: "was approved",
    ApprovalState.DENIED: "was denied",
    ApprovalState.LAPSED: "lapsed: nobody decided in time",
    ApprovalState.WITHDRAWN: "was withdrawn",
}
_MOVES = frozenset(
    {
        StatementState.HELD,
        StatementState.APPROVED,
        StatementState.ADMITTED,
        StatementState.SUBMITTED,
        StatementState.CANCELLING,
        StatementState.UNKNOWN,
    }
)
_BECAME = {
    StatementState.APPROVED: "It is about to run.",
    StatementState.ADMITTED: "It is about to run.",
    StatementState.SUBMITTED: "It runs now.",
    StatementState.SUCCEEDED: "It ran.",
    StatementState.FAILED: "It failed in Snowflake.",
    StatementState.CANCELLED: "It was cancelled.",
    StatementState.UNKNOWN: "Whether it ran is being found out.",
}
MINUTE = "%Y-%m-%d %H:%M UTC"
Facts = Sequence[tuple[str, str]]


def card_values(full: FullCard, now: datetime) -> dict[str, Any]:
    """Return the values of the card's template."""
    card, approval = full.card, full.card.approval
    return {
        "id": approval.id,
        "title": _title(approval),
        "over": _over(approval, now),
        "hash": approval.intent_hash,
        "who": _who(full),
        "reason": card.session.reason if card.session else "",
        "what": _session(card.session) if approval.subject is Subject.SESSION else _statement(full, card.statement),
        "text": card.text,
        "length": len(card.text or ""),
        "hidden": visible(card.text or "") != (card.text or ""),
        "bindings": [(name, _value(value)) for name, value in (card.bindings or {}).items()],
        "foreseen": _foreseen(full.previews),
        "plan": _plan(full.previews),
        "undo": full.undo,
        "barred": full.barred,
        "confirm": approval.confirm,
    }


def review_values(card: ReviewCard) -> dict[str, Any]:
    """Return the values of the review's template."""
    review, session, names = card.review, card.session, card.names
    decided = ", ".join(names.get(one, one) for one in review.deciders) or "nobody: a rule opened it at once"
    agent, asked_for = card.agent.name if card.agent else "", names.get(review.requester_id, "")
    who = [("Agent", agent), ("For", asked_for), ("Decided by", decided), ("Opened", review.opened_at.strftime(MINUTE))]
    said = None
    if review.closed_at is not None:
        at, who_closed = review.closed_at.strftime(MINUTE), names.get(review.closed_by or "", "")
        said = {"who": who_closed, "at": at, "comment": review.comment}
    return {
        "id": review.id,
        "open": review.state is ReviewState.OPEN,
        "session": review.session_id,
        "who": who,
        "what": _opened(session),
        "reason": session.reason if session else "",
        "said": said,
        "barred": card.barred,
    }


def standing_values(now: ApprovalNow, at: datetime) -> dict[str, Any]:
    """Return the values of the part of a card that says where it stands: what people said, and what came of it."""
    approval, over = now.approval, _over(now.approval, at)
    lapsed = over and approval.state is ApprovalState.WAITING
    return {
        "state": _STATES[ApprovalState.LAPSED if lapsed else approval.state],
        "over": over,
        "expires_at": approval.expires_at,
        "said": [_said(decision, who) for decision, who in now.decisions],
        "outcome": _outcome(now) if approval.state is ApprovalState.APPROVED else "",
        "error": now.statement.error_code if now.statement else None,
        "session": approval.session_id,
    }


async def until_settled(answers: AsyncGenerator[ApprovalNow, None]) -> AsyncGenerator[ApprovalNow, None]:
    """Yield answers up to the one after which nothing comes."""
    async with aclosing(answers):
        async for now in answers:
            yield now
            if _settled(now):
                return


def _settled(now: ApprovalNow) -> bool:
    if now.approval.state is ApprovalState.WAITING:
        return False
    return now.statement is None or now.statement.state not in _MOVES


def _outcome(now: ApprovalNow) -> str:
    """Return what became of what was approved, in words."""
    if now.statement is None:
        return f"The session is {now.session.state.value}." if now.session else ""
    rows = now.statement.result_rows
    if now.statement.state is StatementState.SUCCEEDED and rows is not None:
        return f"It ran: {rows} {'row' if rows == 1 else 'rows'}."
    return _BECAME.get(now.statement.state, f"It is {now.statement.state.value.replace('_', ' ')}.")


def _over(approval: Approval, now: datetime) -> bool:
    return approval.state is not ApprovalState.WAITING or approval.expires_at <= now


def _title(approval: Approval) -> str:
    verb = "Confirm" if approval.confirm else "Decide on"
    return f"{verb} {'an access session' if approval.subject is Subject.SESSION else 'one statement'}"


def _who(full: FullCard) -> Facts:
    card = full.card
    asked = card.approval.created_at.strftime(MINUTE)
    quorum = card.approval.quorum
    needed = f"{quorum}, by different people" if quorum > 1 else "one"
    named = [("Agent", card.agent.name if card.agent else ""), ("For", card.requester.name if card.requester else "")]
    return [*named, ("Asked", asked), ("Decisions needed", needed)]


def _session(session: AccessSession | None) -> Facts:
    if session is None:
        return []
    glass = [("Emergency", "the glass is broken for it: everybody is told, and it is reviewed")]
    return [
        *(glass if session.break_glass else []),
        *area(session),
        ("Lasts", f"{session.ttl_s} seconds from the decision"),
    ]


def _opened(session: AccessSession | None) -> Facts:
    if session is None:
        return []
    state = f"{session.state.value}, {session.end_reason.value}" if session.end_reason else session.state.value
    return [*area(session), ("Lasted", f"{session.ttl_s} seconds at most"), ("Now", state)]


def area(session: AccessSession) -> Facts:
    """Return what a session may touch."""
    scope = orjson.dumps(session.scope.as_dict(), option=orjson.OPT_INDENT_2).decode()
    return [("Scope", scope), ("Role", session.role), ("Warehouse", session.warehouse or "none")]


def _statement(full: FullCard, statement: Statement | None) -> Facts:
    if statement is None:
        return []
    facts = [("Understood as", full.words or ""), ("Kind", statement.kind.value)]
    facts += [("Reads", ", ".join(statement.reads) or "nothing"), ("Changes", ", ".join(statement.writes) or "nothing")]
    if full.before is not None:
        ended = ", ".join(f"{count} {state}" for state, count in full.before.states.items())
        times = f"{full.before.times} of the agent's last {full.before.among} statements"
        facts.append(("Same text before", f"{times} ({ended})" if ended else times))
    return facts


def _foreseen(previews: Previews | None) -> str | None:
    if previews is None:
        return None
    rows = previews.affected_rows
    counted = "1 row" if rows == 1 else f"{rows or 0:,} rows"
    return counted if rows is not None else f"cannot say: {previews.affected_why}"


def _plan(previews: Previews | None) -> Sequence[str] | None:
    if previews is None:
        return None
    if not previews.explain:
        return [f"cannot say: {previews.explain_why or 'Snowflake returned no plan'}"]
    return ["  ".join(f"{name}={value}" for name, value in row.items() if value) for row in previews.explain]


def _said(decision: Decision, who: str) -> dict[str, Any]:
    word = "approved" if decision.approved else "denied"
    return {"who": who, "word": word, "reason": decision.reason, "at": decision.at.strftime(MINUTE)}


def _value(value: object) -> str:
    return orjson.dumps(value).decode()
