"""Envelope: what an agent gets back, the same through every front door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from skipass.errors import Kind, SkipassError


class Status(StrEnum):
    """The one word that says what happened to a call."""

    SUCCESS = "success"
    RUNNING = "running"
    APPROVAL_REQUIRED = "approval_required"
    SESSION_REQUIRED = "session_required"
    CONSENT_REQUIRED = "consent_required"
    CONNECTION_REQUIRED = "connection_required"
    SESSION_AMBIGUOUS = "session_ambiguous"
    DENIED = "denied"
    BUDGET_EXCEEDED = "budget_exceeded"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not_found"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_BY_CODE: Mapping[str, Status] = MappingProxyType(
    {
        "approval_denied": Status.DENIED,
        "consent_declined": Status.CONSENT_REQUIRED,
        "unknown_connection": Status.NOT_FOUND,
        "result_expired": Status.EXPIRED,
        "statement_cancelled": Status.CANCELLED,
        "statement_unknown": Status.UNKNOWN,
    }
)
_WORDS = frozenset(status.value for status in Status)


def status_of(error: SkipassError) -> Status:
    """Return the status word of a refused or failed call: its own, or that of what sort of failure it is."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.code in _WORDS:
        return Status(error.code)
    return Status.DENIED if error.kind in (Kind.REFUSED, Kind.FORBIDDEN, Kind.TOO_LARGE) else Status.FAILED


@dataclass(frozen=True, slots=True)
class Envelope:
    """One answer to one tool call.

    `execution_id` is the statement's id (or the call's, where no statement exists). `data` is Snowflake's own body or
    the tool's own object. `fields` holds what the status needs beside them: `code`, `hint`, `reasons`, `request`,
    `approval {id, url, expires_at}`, `statementHandle`, `poll_after_ms`, `url`. `content` holds the content blocks of
    an upstream MCP tool as it sent them; MCP shows them in place of a text of ours, other surfaces do not.
    """

    status: Status
    execution_id: str
    session_id: str | None = None
    data: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    content: tuple[Mapping[str, Any], ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object of every surface."""
        return {
            "status": self.status.value,
            "execution_id": self.execution_id,
            "session_id": self.session_id,
            "data": dict(self.data) if self.data is not None else None,
            **self.fields,
        }
