"""Pinned tools: what a relay knows of each tool of a managed MCP server, and what people decided about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ToolType(StrEnum):
    """What a managed server's tool is.

    Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp
    """

    SQL = "SYSTEM_EXECUTE_SQL"
    SEARCH = "CORTEX_SEARCH_SERVICE_QUERY"
    ANALYST = "CORTEX_ANALYST_MESSAGE"
    AGENT = "CORTEX_AGENT_RUN"
    GENERIC = "GENERIC"
    UNKNOWN = "UNKNOWN"


class ToolEffect(StrEnum):
    """What a call does: its SQL says it, it reads its objects, nobody can read it from the arguments, or unknown."""

    SQL = "sql"
    READ = "read"
    OPAQUE = "opaque"
    UNKNOWN = "unknown"


class PinState(StrEnum):
    """`unfit`: its definition cannot be relayed. Only `pinned` and `drifted` tools are listed and can be called."""

    PINNED = "pinned"
    NEW = "new"
    DRIFTED = "drifted"
    GONE = "gone"
    UNFIT = "unfit"


class ToolRule(StrEnum):
    """What an admin decided about a tool: its calls run, wait for a person, or are refused."""

    ALLOWED = "allowed"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool of a relayed server, pinned by name, type and hash.

    `definition` is the upstream's own JSON as it was pinned; `hash` is of it and of what DESCRIBE said: type,
    `identifier`, `warehouse`, `read_only` and `timeout_s`. `objects` are what a call touches, as Snowflake names them.
    While `drifted`, `seen` and `seen_hash` are what the upstream shows now. `rule` holds for that very hash.
    `pinned_by` is None where the first use pinned it; `declared`: type and identifier are an admin's word. `why` says
    what is unfit.
    """

    id: str
    tenant_id: str
    server_id: str
    name: str
    type: ToolType
    effect: ToolEffect
    state: PinState
    rule: ToolRule
    hash: str
    definition: dict[str, Any]
    pinned_at: datetime
    seen_at: datetime
    pinned_by: str | None = None
    identifier: str | None = None
    warehouse: str | None = None
    read_only: bool = True
    timeout_s: int | None = None
    objects: tuple[str, ...] = ()
    declared: bool = False
    seen: dict[str, Any] = field(default_factory=dict)
    seen_hash: str | None = None
    why: str | None = None
    version: int = 1

    @property
    def current_hash(self) -> str:
        """The hash of what would run now: of what is seen while it drifted, else of what is pinned."""
        return self.seen_hash or self.hash
