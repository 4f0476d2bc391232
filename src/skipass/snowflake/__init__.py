"""Snowflake's protocols, client side; usable by itself, without a gateway.

Needs the base install only. A name is imported from its module at its first use: who needs one part, such as the client
of a gateway, does not wait for the others. The HTTP client is imported at the first connection.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skipass.snowflake.account import Account, Target, parse_account, target_of
    from skipass.snowflake.auth.keypair import KeyPairTokens
    from skipass.snowflake.auth.keys import KeyPair, generate_key_pair, load_private_key, read_private_key
    from skipass.snowflake.auth.tokens import (
        StaticToken,
        Token,
        TokenSource,
        TokenType,
        oauth_token,
        programmatic_access_token,
    )
    from skipass.snowflake.blocking import SnowflakeClient, Statement
    from skipass.snowflake.client import AsyncSnowflakeClient
    from skipass.snowflake.errors import (
        CompileError,
        IncompleteResultError,
        InvalidBinding,
        McpError,
        McpToolError,
        NetworkPolicyError,
        NoWarehouseError,
        ObjectNotFoundError,
        OutOfRangeError,
        ProtocolError,
        RoleNotAllowed,
        SnowflakeAuthError,
        SnowflakeConfigError,
        SnowflakeError,
        SnowflakeUnavailable,
        StatementCancelled,
        StatementError,
        StatementNotFound,
        StatementTimedOut,
        Throttled,
        TokenExpired,
        TokenRejected,
    )
    from skipass.snowflake.mcp.client import ManagedMcpClient
    from skipass.snowflake.mcp.messages import ServerName
    from skipass.snowflake.mcp.results import ToolResult
    from skipass.snowflake.pace import Pace
    from skipass.snowflake.prefetch import Ahead
    from skipass.snowflake.result import Result
    from skipass.snowflake.sqlapi.answers import CancelOutcome, Finished, Partition, PartitionInfo, Running
    from skipass.snowflake.sqlapi.binds import Bind, bind, bindings, json_text
    from skipass.snowflake.sqlapi.client import SqlApi
    from skipass.snowflake.sqlapi.values import Column
    from skipass.snowflake.sqlapi.wire import SubmitRequest
    from skipass.snowflake.statement import AsyncStatement

__all__ = [
    "Account",
    "Ahead",
    "AsyncSnowflakeClient",
    "AsyncStatement",
    "Bind",
    "CancelOutcome",
    "Column",
    "CompileError",
    "Finished",
    "IncompleteResultError",
    "InvalidBinding",
    "KeyPair",
    "KeyPairTokens",
    "ManagedMcpClient",
    "McpError",
    "McpToolError",
    "NetworkPolicyError",
    "NoWarehouseError",
    "ObjectNotFoundError",
    "OutOfRangeError",
    "Pace",
    "Partition",
    "PartitionInfo",
    "ProtocolError",
    "Result",
    "RoleNotAllowed",
    "Running",
    "ServerName",
    "SnowflakeAuthError",
    "SnowflakeClient",
    "SnowflakeConfigError",
    "SnowflakeError",
    "SnowflakeUnavailable",
    "SqlApi",
    "Statement",
    "StatementCancelled",
    "StatementError",
    "StatementNotFound",
    "StatementTimedOut",
    "StaticToken",
    "SubmitRequest",
    "Target",
    "Throttled",
    "Token",
    "TokenExpired",
    "TokenRejected",
    "TokenSource",
    "TokenType",
    "ToolResult",
    "bind",
    "bindings",
    "generate_key_pair",
    "json_text",
    "load_private_key",
    "oauth_token",
    "parse_account",
    "programmatic_access_token",
    "read_private_key",
    "target_of",
]
_WHERE = {
    "account": "Account Target parse_account target_of",
    "auth.keypair": "KeyPairTokens",
    "auth.keys": "KeyPair generate_key_pair load_private_key read_private_key",
    "auth.tokens": "StaticToken Token TokenSource TokenType oauth_token programmatic_access_token",
    "blocking": "SnowflakeClient Statement",
    "client": "AsyncSnowflakeClient",
    "mcp.client": "ManagedMcpClient",
    "mcp.messages": "ServerName",
    "mcp.results": "ToolResult",
    "pace": "Pace",
    "prefetch": "Ahead",
    "result": "Result",
    "sqlapi.answers": "CancelOutcome Finished Partition PartitionInfo Running",
    "sqlapi.binds": "Bind bind bindings json_text",
    "sqlapi.client": "SqlApi",
    "sqlapi.values": "Column",
    "sqlapi.wire": "SubmitRequest",
    "statement": "AsyncStatement",
}
# Every other name is that of a failure.
_MODULES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    return found
