"""The gateway's tools for the OpenAI Agents SDK.

Source: https://openai.github.io/openai-agents-python/tools/
"""

from __future__ import annotations

import json
from typing import Any

from agents import FunctionTool, Tool

from skipass.sdk.adapters.bound import BoundTool, bound_tools
from skipass.sdk.blocking import Skipass

__all__ = ["get_tools"]


def get_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[Tool]:
    """Return the tools for `Agent(tools=…)`; see `bound.bound_tools`."""
    bound = bound_tools(connection_name, identifier, client=client, session_id=session_id)
    return [_tool(one) for one in bound]


def _tool(bound: BoundTool) -> FunctionTool:
    async def call(context: Any, arguments: str) -> str:
        try:
            given = json.loads(arguments or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return json.dumps({"status": "failed", "code": "invalid_request", "hint": "The input is a JSON object."})
        return await bound.acall(given)

    # Not strict: most inputs are optional, and strict mode would have every one of them sent.
    return FunctionTool(
        name=bound.name,
        description=bound.description,
        params_json_schema=bound.schema,
        on_invoke_tool=call,
        strict_json_schema=False,
    )
