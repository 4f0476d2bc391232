"""What a surface knows about one tool call beside its arguments, and what tells a call that waits for its user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Report: TypeAlias = Callable[[float, float | None, str], None]
"""Takes how much is done, of how much (None: unknown), and a word for people; never waits, never fails."""


def unheard(done: float, total: float | None, message: str) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """The circumstances of one call.

    `request_id` is the gateway's own id of the HTTP request. `idempotency_key` is the caller's, scoped to the caller.
    `client_name` is what the client calls itself: a claim, for the record only. `client_address` is the peer's, or what
    a trusted proxy says of it. `wait_s` is how long the call may wait inline, in seconds, before it answers `running`.
    `report` tells the client how far the call is, where it asked for that.
    """

    request_id: str
    idempotency_key: str | None = None
    client_name: str | None = None
    wait_s: float = 25.0
    client_address: str | None = None
    report: Report = unheard


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """An MCP request that waits for its user.

    `name` is a tool's name or a resource's URI, `arguments` are a tool's.
    """

    slug: str
    method: str
    name: str
    arguments: Mapping[str, Any]
