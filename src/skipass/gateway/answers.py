"""From what happened to the envelope an agent gets back: one table from codes and states to the status word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.relay_refusals import DENIED_HINT
from skipass.gateway.views import approval_view, when
from skipass.nouns.approval import Approval
from skipass.nouns.envelope import Envelope, Status, status_of
from skipass.nouns.statement import Statement, StatementState

BY_STATE: Mapping[StatementState, Status] = {
    StatementState.REFUSED: Status.DENIED,
    StatementState.HELD: Status.APPROVAL_REQUIRED,
    StatementState.APPROVED: Status.RUNNING,
    StatementState.DENIED: Status.DENIED,
    StatementState.LAPSED: Status.LAPSED,
    StatementState.WITHDRAWN: Status.WITHDRAWN,
    StatementState.ADMITTED: Status.RUNNING,
    StatementState.SUBMITTED: Status.RUNNING,
    StatementState.CANCELLING: Status.RUNNING,
    StatementState.UNKNOWN: Status.UNKNOWN,
    StatementState.NOT_SENT: Status.FAILED,
    StatementState.SUCCEEDED: Status.SUCCESS,
    StatementState.FAILED: Status.FAILED,
    StatementState.CANCELLED: Status.CANCELLED,
    StatementState.NOT_FOUND: Status.FAILED,
}

_CODES: Mapping[StatementState, str] = {
    StatementState.DENIED: "approval_denied",
    StatementState.LAPSED: "lapsed",
    StatementState.WITHDRAWN: "withdrawn",
    StatementState.UNKNOWN: "statement_unknown",
    StatementState.NOT_SENT: "not_sent",
    StatementState.FAILED: "statement_failed",
    StatementState.CANCELLED: "statement_cancelled",
    StatementState.NOT_FOUND: "not_sent",
}

_HINTS: Mapping[StatementState, str] = {
    StatementState.APPROVED: "A person agreed; it is about to run. Ask again with snowflake_get_query_status.",
    StatementState.ADMITTED: "Ask again with snowflake_get_query_status.",
    StatementState.SUBMITTED: "Ask again with snowflake_get_query_status.",
    StatementState.CANCELLING: "A cancel was sent. Ask again with snowflake_get_query_status.",
    StatementState.UNKNOWN: "It is being looked up in Snowflake's query history. Do not send it again yet.",
    StatementState.NOT_FOUND: "Snowflake has no trace of it; it is presumed not sent.",
    StatementState.NOT_SENT: "It never left the gateway; it is safe to send again.",
    StatementState.DENIED: "A person decided against it. Do not send it again.",
}
_CREDENTIAL = frozenset({"consent_required", "snowflake_rejected_credential"})
"""What is wrong when the credential is, and not the statement; sending it again is no help."""
_OF_RELAY = _CREDENTIAL | {"snowflake_denied", "snowflake_misconfigured", "snowflake_unavailable"}
"""What a managed MCP server refuses before any tool of it runs."""
POLL_AFTER_MS = 1_000


def refusal(error: SkipassError, execution_id: str, session_id: str | None) -> Envelope:
    """Return the envelope of a refused call: code, message, hint, and what the refusal carries."""
    status = status_of(error)
    fields = {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}
    return Envelope(status, execution_id, session_id, None, {**fields, **error.details})


def held(statement: Statement, approval: Approval, base_url: str) -> Envelope:
    """Return the envelope of a statement that waits for a person, with the handle to collect it by."""
    shown = approval_view(approval, base_url)
    fields = {
        "statementHandle": statement.id,
        "approval": {key: shown[key] for key in ("id", "url", "expires_at")},
        "poll_after_ms": 5_000,
        "reasons": list(statement.reasons),
        "hint": "A person decides. Collect the outcome with snowflake_get_query_status and this statementHandle.",
    }
    return Envelope(Status.APPROVAL_REQUIRED, statement.id, statement.session_id, None, fields)


def state_of(statement: Statement) -> Envelope:
    """Return the envelope that tells where a statement is, without rows."""
    relayed = statement.server_id is not None and statement.error_code in _OF_RELAY
    if statement.state is StatementState.NOT_SENT and (relayed or statement.error_code in _CREDENTIAL):
        return _by_its_code(statement)
    if statement.state is StatementState.FAILED and relayed:
        return _by_its_code(statement)
    status = BY_STATE[statement.state]
    fields: dict[str, Any] = {"statementHandle": statement.id, "state": statement.state.value}
    if status is Status.RUNNING:
        fields["poll_after_ms"] = POLL_AFTER_MS
    if statement.state in _CODES:
        fields |= {"code": _CODES[statement.state], "retryable": statement.state is StatementState.NOT_SENT}
    if statement.error_code:
        fields |= {"message": statement.error_message, "snowflake_code": statement.error_code}
        fields |= {"snowflake_state": statement.error_state} if statement.error_state else {}
    if statement.state in _HINTS:
        fields["hint"] = _HINTS[statement.state]
    if statement.finished_at:
        fields["finished_at"] = when(statement.finished_at)
    return Envelope(status, statement.id, statement.session_id, None, fields)


def _by_its_code(statement: Statement) -> Envelope:
    """Return the envelope of a statement that was refused with a code of our own: a credential that had just ended."""
    code = str(statement.error_code)
    error = SkipassError(code, statement.error_message, DENIED_HINT if code == "snowflake_denied" else "")
    found = refusal(error, statement.id, statement.session_id)
    where = {"statementHandle": statement.id, "state": statement.state.value}
    return replace(found, fields={**found.fields, **where})


def relayed(statement: Statement, body: Mapping[str, Any]) -> Envelope:
    """Return the envelope of a relayed call that succeeded: the upstream's blocks, and its value."""
    fields: dict[str, Any] = {"statementHandle": statement.id}
    blocks = tuple(block for block in body["content"] if isinstance(block, dict))
    return Envelope(Status.SUCCESS, statement.id, statement.session_id, body["data"], fields, blocks or None)


def with_link(answer: Envelope, needed: SkipassError) -> Envelope:
    """Return the answer of a call whose credential ended on the way with where its user agrees again; others as is."""
    if answer.fields.get("code") != needed.code:
        return answer
    return replace(answer, fields={**answer.fields, "hint": needed.hint, **needed.details})


def success(statement: Statement, body: Mapping[str, Any]) -> Envelope:
    """Return the envelope of a finished statement with Snowflake's own body."""
    more = len(statement.partitions) - 1
    fields: dict[str, Any] = {"statementHandle": statement.id}
    if more > 0:
        fields["hint"] = f"{more} more partition(s): snowflake_get_query_partition with this statementHandle."
    return Envelope(Status.SUCCESS, statement.id, statement.session_id, dict(body), fields)
