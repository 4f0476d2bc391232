"""The gateway's tools for Pydantic AI.

Source: https://ai.pydantic.dev/tools-advanced/
"""

from __future__ import annotations

from typing import Any

from pydantic_ai import Tool

from skipass.sdk.adapters.bound import BoundTool, bound_tools
from skipass.sdk.blocking import Skipass

__all__ = ["get_tools"]


def get_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[Tool[Any]]:
    """Return the tools for `Agent(tools=…)`; see `bound.bound_tools`."""
    bound = bound_tools(connection_name, identifier, client=client, session_id=session_id)
    return [_tool(one) for one in bound]


def _tool(bound: BoundTool) -> Tool[Any]:
    async def call(**arguments: Any) -> str:
        return await bound.acall(arguments)

    return Tool.from_schema(call, name=bound.name, description=bound.description, json_schema=bound.schema)
