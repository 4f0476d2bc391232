"""A client of one Snowflake-managed MCP server: list its tools, call them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from skipass import __version__
from skipass.snowflake.account import Target
from skipass.snowflake.auth.tokens import Token, TokenSource
from skipass.snowflake.errors import SnowflakeAuthError, SnowflakeConfigError, SnowflakeError
from skipass.snowflake.mcp import messages
from skipass.snowflake.mcp.messages import ResourceMetadata, ServerName, Tool
from skipass.snowflake.mcp.refusals import is_unknown_method
from skipass.snowflake.mcp.results import ToolResult
from skipass.snowflake.sqlapi.wire import Call

if TYPE_CHECKING:
    import aiohttp

    from skipass.snowflake.sqlapi.transport import BeforeSend, Transport

_ABSENT = (404, 405, 501)
_TIMEOUT_S = 120.0
_MAX_BODY_BYTES = 32 * 1024 * 1024


class ManagedMcpClient:
    """One managed MCP server as one user, over one HTTP exchange a request: the server keeps no session.

    The token decides the role; `role` and `warehouse` are asked for in headers that the server may not heed. A call
    that breaks off may have taken effect (`outcome_unknown`) and is never repeated; a refused token is replaced once.
    Raises the tree of `skipass.snowflake.errors`.
    """

    def __init__(
        self,
        target: Target,
        server: ServerName,
        tokens: TokenSource,
        *,
        role: str | None = None,
        warehouse: str | None = None,
        session: aiohttp.ClientSession | None = None,
        connector_factory: Callable[[], aiohttp.BaseConnector] | None = None,
        user_agent: str = f"skipass/{__version__}",
        timeout_s: float = _TIMEOUT_S,
        max_body_bytes: int = _MAX_BODY_BYTES,
    ) -> None:
        self._target = target
        self._server = server
        self._tokens = tokens
        context = {"X-Snowflake-Role": role, "X-Snowflake-Warehouse": warehouse}
        self._context = {name: value for name, value in context.items() if value}
        self._session = session
        self._connector_factory = connector_factory
        self._user_agent = user_agent
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._numbers = itertools.count(1)
        self._transport: Transport | None = None

    async def initialize(self) -> Mapping[str, Any] | None:
        """Return what the server says of itself, None where it has no such method; nothing depends on it."""
        try:
            return await self._ask("initialize", messages.initialize_params(__version__))
        except SnowflakeError as error:
            if is_unknown_method(error) or (error.http_status in _ABSENT and isinstance(error, SnowflakeConfigError)):
                return None
            raise

    async def initialized(self) -> None:
        """Tell the server that the client is ready; what it answers is not documented and is ignored."""
        call = messages.rpc_call(self._server, "notifications/initialized", None, None, self._context)
        with suppress(SnowflakeError):
            await self._connection().send(call, await self._tokens.token(), timeout_s=self._timeout_s)

    async def list_tools(self) -> list[Tool]:
        """Return the server's tools."""
        return messages.read_tools(await self._ask("tools/list", None))

    async def listed(self) -> Mapping[str, Any]:
        """Return the result of `tools/list` as the server wrote it, whatever is in it."""
        return await self._ask("tools/list", None)

    async def call_tool(
        self, name: str, arguments: Mapping[str, Any], *, before_send: BeforeSend | None = None, once: bool = False
    ) -> ToolResult:
        """Call a tool and return its result; a tool that failed raises `McpToolError` or what its text tells apart.

        `before_send` is awaited right before the first byte leaves; what it raises is raised, and nothing was sent.
        With `once` a refused token is replaced after a status 401 alone: of a refusal in words nobody knows what ran.
        """
        params = {"name": name, "arguments": dict(arguments)}
        result = await self._ask("tools/call", params, before_send, once=once)
        return ToolResult(messages.checked_tool_result(result))

    async def resource_metadata(self) -> ResourceMetadata:
        """Return who may issue tokens for the server; asked without one. Source: RFC 9728"""
        call = Call("GET", self._server.metadata_path)
        return messages.read_metadata(await self._connection().send(call, None, timeout_s=self._timeout_s))

    async def aclose(self) -> None:
        """Close the connections that are our own."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _ask(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        before_send: BeforeSend | None = None,
        *,
        once: bool = False,
    ) -> Mapping[str, Any]:
        token = await self._tokens.token()
        try:
            return await self._exchange(method, params, token, before_send)
        except SnowflakeAuthError as error:
            # Refused before anything ran, with status 401 or, on some accounts, 200.
            if not await self._tokens.rejected(token) or (once and error.http_status != 401):
                raise
        return await self._exchange(method, params, await self._tokens.token(), before_send)

    async def _exchange(
        self, method: str, params: Mapping[str, Any] | None, token: Token, before_send: BeforeSend | None
    ) -> Mapping[str, Any]:
        number = next(self._numbers)
        call = messages.rpc_call(self._server, method, params, number, self._context)
        answer = await self._connection().send(call, token, timeout_s=self._timeout_s, before_send=before_send)
        return messages.read_result(call, answer, number)

    def _connection(self) -> Transport:
        if self._transport is None:
            from skipass.snowflake.sqlapi.transport import Transport

            self._transport = Transport(
                self._target.base_url,
                user_agent=self._user_agent,
                max_body_bytes=self._max_body_bytes,
                session=self._session,
                connector_factory=self._connector_factory,
            )
        return self._transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
