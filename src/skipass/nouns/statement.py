"""Statement: one SQL text in a session, from its verdict to its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from skipass.ids import digest
from skipass.nouns.verdict import StatementKind


class StatementState(StrEnum):
    """Where a statement is; see `skipass.access.states` for the transitions."""

    REFUSED = "refused"
    HELD = "held"
    APPROVED = "approved"
    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    ADMITTED = "admitted"
    NOT_SENT = "not_sent"
    SUBMITTED = "submitted"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Intent:
    """Exactly what would be sent: the text that runs, its binds, and the context it is pinned to.

    `bindings` are in Snowflake's wire form. `parameters` are the output-format parameters that a caller may set.
    `call` is that of a managed MCP server's tool: its `server`, `url`, `tool`, `type`, pinned `hash` and `arguments`;
    of a SQL tool the text is the argument `sql`, of any other it tells people what is called.
    """

    text: str
    bindings: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    nullable: bool = True
    call: Mapping[str, Any] | None = None

    def canonical(self) -> bytes:
        """Return the one byte form of this intent, keys sorted."""
        shape: dict[str, Any] = {
            "text": self.text,
            "bindings": dict(self.bindings),
            "role": self.role,
            "warehouse": self.warehouse,
            "database": self.database,
            "schema": self.schema,
            "parameters": dict(self.parameters),
            "nullable": self.nullable,
        }
        shape |= {"call": dict(self.call)} if self.call is not None else {}
        return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)

    def hash(self, session_id: str) -> str:
        """Return the hex SHA-256 that an approval is bound to: this intent in that session."""
        return digest(b"intent/1", session_id.encode(), self.canonical())


def intent_from(canonical: bytes) -> Intent:
    """Return the intent whose `canonical` form this is."""
    return Intent(**orjson.loads(canonical))


@dataclass(frozen=True, slots=True)
class Statement:
    """The row of one statement. Texts are sealed under the tenant's data key; `intent_sealed` is what runs.

    `handle` is Snowflake's. `owner_boot` names the process that drives it. `timeout_s` is the timeout pinned upstream.
    `cancel_unconfirmed` is true where Snowflake would not say that a cancel took hold. `result_sealed` is a ticket's
    bounded first partition, kept until `result_until`. `partitions` holds rows and uncompressed bytes of each.
    `error_state` is the SQLSTATE that Snowflake gave with `error_code`. `server_id` is the relay whose tool it calls.
    """

    id: str
    tenant_id: str
    session_id: str
    connection_id: str
    user_id: str
    agent_id: str | None
    tool: str
    state: StatementState
    kind: StatementKind
    original_sealed: bytes
    intent_sealed: bytes | None
    intent_hash: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    reasons: tuple[dict[str, Any], ...]
    created_at: datetime
    system: bool = False
    ticket: bool = False
    owner_boot: str | None = None
    caller_request_id: str | None = None
    approval_id: str | None = None
    handle: str | None = None
    timeout_s: int = 0
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    delivered_at: datetime | None = None
    result_rows: int | None = None
    result_bytes: int | None = None
    partitions: tuple[tuple[int, int], ...] = ()
    error_code: str | None = None
    error_message: str | None = None
    cancel_unconfirmed: bool = False
    lookups: int = 0
    lookup_at: datetime | None = None
    result_sealed: bytes | None = None
    result_until: datetime | None = None
    error_state: str | None = None
    server_id: str | None = None
