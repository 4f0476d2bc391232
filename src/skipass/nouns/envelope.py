"""Envelope: what an agent gets back, the same through every front door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Envelope:
    """One answer to one tool call.

    `execution_id` is the statement's id (or the call's, where no statement exists). `data` is Snowflake's own body or
    the tool's own object. `fields` holds what the status needs beside them: `code`, `hint`, `reasons`, `request`,
    `approval {id, url, expires_at}`, `statementHandle`, `poll_after_ms`, `url`.
    """

    status: Status
    execution_id: str
    session_id: str | None = None
    data: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object of every surface."""
        return {
            "status": self.status.value,
            "execution_id": self.execution_id,
            "session_id": self.session_id,
            "data": dict(self.data) if self.data is not None else None,
            **self.fields,
        }
