"""The gateway's tools, as any framework can be told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skipass.sdk.actions import followed
from skipass.sdk.transport import Transport


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its name, words for the model, JSON Schemas (2020-12) and hints."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    annotations: Mapping[str, bool]

    @property
    def is_about_sessions(self) -> bool:
        """True for the tools that ask for an access session, show it and give it back."""
        return self.name.startswith("skipass_")


class AsyncTools:
    """Lists the tools."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, identifier: str | None = None) -> list[Tool]:
        """Return every tool in the gateway's order, page after page to the last; `identifier` is a user acted for."""
        return [_tool(item) async for item in followed(self._transport, "/tools", identifier)]

    async def as_json_schema(self, *, identifier: str | None = None) -> Sequence[dict[str, Any]]:
        """Return every tool as `as_json_schema` has it."""
        return as_json_schema(await self.list(identifier=identifier))


def _tool(item: Mapping[str, Any]) -> Tool:
    return Tool(**{name: item[name] for name in Tool.__slots__})


def as_json_schema(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return tools as `{"name", "description", "parameters"}`, which most model APIs take as it is or renamed."""
    return [
        {"name": tool.name, "description": tool.description, "parameters": dict(tool.input_schema)} for tool in tools
    ]
