"""What the routes of relayed tools take, and what a pinned tool looks like in their answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from skipass.gateway.relay_reading import Facts
from skipass.nouns.mcp_tool import ToolType
from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name

TypeName = Literal[
    "SYSTEM_EXECUTE_SQL", "CORTEX_SEARCH_SERVICE_QUERY", "CORTEX_ANALYST_MESSAGE", "CORTEX_AGENT_RUN", "GENERIC"
]
RuleName = Literal["allowed", "held", "refused"]


class Pinned(Body):
    """Body of `POST …/pin`."""

    hash: str = Field(min_length=1, max_length=128, description="Of the tool as you looked at it.", examples=["3q8s…"])


class Ruled(Pinned):
    """Body of `POST …/rule`."""

    rule: RuleName = Field(description="Calls run, wait for a person, or are refused.", examples=["allowed"])


class Told(Pinned):
    """Body of `POST …/declare`: what a tool is, where nobody may DESCRIBE the server."""

    type: TypeName = Field(description="As in the server's specification.", examples=["CORTEX_SEARCH_SERVICE_QUERY"])
    identifier: Name | None = Field(
        default=None, description="The object behind it.", examples=["OPS_DB.OPS.TICKET_SEARCH"]
    )
    warehouse: Name | None = None
    read_only: bool = True
    timeout_s: int | None = Field(default=None, gt=0, le=604_800)

    def facts(self) -> Facts:
        """Return what is declared of the tool."""
        return Facts(ToolType(self.type), self.identifier, self.warehouse, self.read_only, self.timeout_s)


class PinnedTool(Shape):
    """A tool of a relayed server."""

    name: str = Field(examples=["ticket-search"])
    type: str = Field(examples=["CORTEX_SEARCH_SERVICE_QUERY"])
    effect: Literal["sql", "read", "opaque", "unknown"]
    state: Literal["pinned", "new", "drifted", "gone", "unfit"]
    rule: RuleName
    hash: str = Field(description="Decisions name it, so that they are about what was looked at.")
    identifier: str | None
    objects: list[str] = Field(description="What a call touches.")
    read_only: bool
    declared: bool = Field(description="Type and object are an admin's word.")
    why: str | None = Field(description="What is unfit.")
    definition: dict[str, Any] = Field(description="The tool as it was pinned.")
    seen: dict[str, Any] | None = Field(description="What the upstream shows now, where that is something else.")
    pinned_at: AwareDatetime
    seen_at: AwareDatetime


class PinnedTools(Shape):
    """The tools of a relayed server, in order of name."""

    items: list[PinnedTool]
