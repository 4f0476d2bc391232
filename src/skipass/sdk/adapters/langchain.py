"""The gateway's tools for LangChain and LangGraph.

Source: https://docs.langchain.com/oss/python/langchain/tools
"""

from __future__ import annotations

from typing import Any

from langchain_core.tools import StructuredTool

from skipass.sdk.adapters.bound import BoundTool, bound_tools
from skipass.sdk.blocking import Skipass

__all__ = ["get_tools"]


def get_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[StructuredTool]:
    """Return the tools for `create_agent(tools=…)`, `ToolNode` or `AgentExecutor`; see `bound.bound_tools`."""
    bound = bound_tools(connection_name, identifier, client=client, session_id=session_id)
    return [_tool(one) for one in bound]


def _tool(bound: BoundTool) -> StructuredTool:
    def call(**arguments: Any) -> str:
        return bound(arguments)

    async def acall(**arguments: Any) -> str:
        return await bound.acall(arguments)

    return StructuredTool(
        name=bound.name, description=bound.description, args_schema=bound.schema, func=call, coroutine=acall
    )
