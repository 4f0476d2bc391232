"""From what a managed MCP server refuses or fails to our own codes: a 200 with an error inside is an error.

Knows no network.
"""

from __future__ import annotations

from skipass.errors import SkipassError
from skipass.snowflake.errors import (
    McpError,
    McpToolError,
    NetworkPolicyError,
    NoWarehouseError,
    ObjectNotFoundError,
    ProtocolError,
    SnowflakeAuthError,
    SnowflakeConfigError,
    SnowflakeError,
    SnowflakeUnavailable,
    StatementError,
    Throttled,
)

_SHORT = 2000
_CODES: tuple[tuple[tuple[type[SnowflakeError], ...], str], ...] = (
    ((SnowflakeAuthError,), "snowflake_rejected_credential"),
    ((ObjectNotFoundError,), "snowflake_denied"),
    ((NetworkPolicyError, NoWarehouseError, SnowflakeConfigError), "snowflake_misconfigured"),
    ((SnowflakeUnavailable, Throttled, ProtocolError), "snowflake_unavailable"),
    ((McpToolError, McpError, StatementError), "statement_failed"),
)
DENIED_HINT = (
    "It takes USAGE on the MCP server, its database and schema, and the right to what is behind the tool, for the "
    "session's role: skipass mcp-server setup-sql prints the grants."
)


def code_of(error: SnowflakeError) -> str:
    """Return our code for a failure."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), "statement_failed")


def refusal_of(error: SnowflakeError) -> SkipassError:
    """Return our form of a failure: code, what Snowflake said, and what helps."""
    code = code_of(error)
    hint = DENIED_HINT if code == "snowflake_denied" else error.hint
    retryable = code == "snowflake_unavailable"
    details = {"snowflake_code": error.code} if error.code else {}
    return SkipassError(code, error.message[:_SHORT], hint, retryable=retryable, details=details)
