"""One request with everything known about it, as the methods take it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from skipass.nouns.principal import Principal
from skipass.surfaces.edge.headers import Headers
from skipass.surfaces.mcp.line import Line
from skipass.surfaces.mcp.ports import McpServer, ResourceBackend, ToolBackend, WaitingCalls
from skipass.surfaces.mcp.revisions import Era
from skipass.tools.call import CallContext

Json: TypeAlias = dict[str, Any]


Method: TypeAlias = Callable[["Exchange"], Coroutine[Any, Any, Json]]


@dataclass(frozen=True, slots=True)
class Further:
    """Methods that an embedding serves beside the gateway's own or in place of them, by era, and what it declares."""

    capabilities: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    methods: Mapping[Era, Mapping[str, Method]] = field(default_factory=lambda: MappingProxyType({}))


NOTHING = Further()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with everything known about it.

    `line` takes what the client is told before the answer; `resources` is None where nothing can be read,
    `waiting` where no user is ever asked.
    """

    backend: ToolBackend
    principal: Principal
    server: McpServer
    call: CallContext
    params: Mapping[str, Any]
    method: str
    era: Era
    headers: Headers
    line: Line
    resources: ResourceBackend | None = None
    waiting: WaitingCalls | None = None
    further: Further = NOTHING
