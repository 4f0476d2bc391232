"""The gateway's tools for Anthropic's tool runner, and as plain definitions for a loop of one's own.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-runner
"""

from __future__ import annotations

from typing import Any, cast

from anthropic.lib.tools import BetaAsyncFunctionTool, BetaFunctionTool

from skipass.sdk.adapters.bound import BoundTool, bound_tools
from skipass.sdk.blocking import Skipass

__all__ = ["get_async_tools", "get_tools"]


def get_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[BetaFunctionTool[Any]]:
    """Return the tools for `Anthropic().beta.messages.tool_runner(tools=…)`; see `bound.bound_tools`."""
    bound = bound_tools(connection_name, identifier, client=client, session_id=session_id)
    return [_tool(one) for one in bound]


def get_async_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[BetaAsyncFunctionTool[Any]]:
    """Return the same for `AsyncAnthropic`."""
    bound = bound_tools(connection_name, identifier, client=client, session_id=session_id)
    return [_async_tool(one) for one in bound]


def _tool(bound: BoundTool) -> BetaFunctionTool[Any]:
    def call(**arguments: Any) -> str:
        return bound(arguments)

    return BetaFunctionTool(call, name=bound.name, description=bound.description, input_schema=cast(Any, bound.schema))


def _async_tool(bound: BoundTool) -> BetaAsyncFunctionTool[Any]:
    async def call(**arguments: Any) -> str:
        return await bound.acall(arguments)

    given = {"name": bound.name, "description": bound.description, "input_schema": cast(Any, bound.schema)}
    return BetaAsyncFunctionTool(call, **given)
