"""ToolSpec: what a tool is, for every surface: its name, words for the model, input, output and hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from skipass.nouns.scope import Metadata
from skipass.tools.inputs import ToolInput
from skipass.tools.schema import input_schema


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool.

    `input` is its input model, `input_schema` and `output_schema` the JSON Schemas a client sees. `annotations` are
    MCP's hints: for display only, never a rule. `metadata` is how far the tool itself looks into Snowflake's catalogue
    at least, None where the statement it carries decides. `columns` are those of its rows that may be relied upon.
    """

    name: str
    title: str
    description: str
    input: type[ToolInput]
    output_schema: Mapping[str, Any]
    annotations: Mapping[str, bool]
    metadata: Metadata | None = None
    columns: tuple[str, ...] = ()
    input_schema: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_schema", MappingProxyType(input_schema(self.input)))


def hints(*, read_only: bool, destructive: bool = False, idempotent: bool = False) -> Mapping[str, bool]:
    """Return MCP's four hints. Source: MCP 2026-07-28, Tools (ToolAnnotations)."""
    return MappingProxyType(
        {
            "readOnlyHint": read_only,
            "destructiveHint": destructive,
            "idempotentHint": idempotent or read_only,
            "openWorldHint": False,
        }
    )
