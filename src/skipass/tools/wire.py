"""A tool of the catalogue as MCP's `tools/list` shows it."""

from __future__ import annotations

from typing import Any

from skipass.tools.spec import ToolSpec


def wire_tool(spec: ToolSpec) -> dict[str, Any]:
    """Return the JSON object of a tool. Source: MCP 2026-07-28, Schema (Tool)."""
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "inputSchema": spec.input_schema,
        "outputSchema": spec.output_schema,
        "annotations": spec.annotations,
    }
