"""Which error a refusal of a managed MCP server is. Its text is the only sign: the codes are the same for all.

Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp ; JSON-RPC 2.0 §5.1
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skipass.snowflake import errors as e
from skipass.snowflake.sqlapi import hints

_TOOL_ERROR = "MCP Server tool error:"
_TRIAL_HINT = "This may be a trial account: those list their MCP tools but may not call them."
_TRIAL = re.compile(r"trial account|399504|No tool result received calling Cortex Agent|Error parsing response")
_EXPIRED = re.compile(r"token.{0,20}expired|390318", re.I)
_TOKEN = re.compile(r"\b(access )?token\b|authenticat|\bexpired\b|390303|390144", re.I)
_DENIED = re.compile(r"does not exist or (access is )?not authorized|not authorized", re.I)
_WAREHOUSE = re.compile(r"warehouse", re.I)
_BARE = re.compile(r"\w+ does not exist or access is not authorized\.?|399504 .*")
_UNKNOWN_METHOD = -32601


def refusal(status: int, error: object) -> e.SnowflakeError:
    """Return the error of a JSON-RPC `error` member."""
    shape = error if isinstance(error, dict) else {}
    message, code = str(shape.get("message") or "The MCP server refused the request."), shape.get("code")
    problem = _by_text(message, e.McpToolError if message.startswith(_TOOL_ERROR) else e.McpError)
    problem.http_status = status
    if isinstance(problem, e.McpError) and isinstance(code, int):
        problem.rpc_code = code
    return problem


def tool_failure(is_error: bool, texts: Sequence[str]) -> e.SnowflakeError | None:
    """Return the failure that a tool reports in its content: marked as one, or known by Snowflake's own words.

    It is never one of the token: the tool ran with it, and the words are its own.
    """
    told = [text for text in texts if is_error or text.startswith(_TOOL_ERROR) or _is_bare_refusal(text)]
    if not told and not is_error:
        return None
    return _by_text("\n".join(told) or "The tool failed.", e.McpToolError, of_tool=True)


def is_unknown_method(error: e.SnowflakeError) -> bool:
    """True for the refusal of a method that the server does not have."""
    return isinstance(error, e.McpError) and error.rpc_code == _UNKNOWN_METHOD


def _is_bare_refusal(text: str) -> bool:
    return len(text) < 200 and _BARE.fullmatch(text) is not None


def _by_text(message: str, otherwise: type[e.SnowflakeError], *, of_tool: bool = False) -> e.SnowflakeError:
    if _TRIAL.search(message):
        return e.McpToolError(message, hint=_TRIAL_HINT)
    if _DENIED.search(message):
        return e.ObjectNotFoundError(message, hint=hints.BY_CODE["002003"])
    if not of_tool and not message.startswith(_TOOL_ERROR):
        if _EXPIRED.search(message):
            return e.TokenExpired(message, hint=hints.BY_CODE["390318"])
        if _TOKEN.search(message):
            return e.TokenRejected(message, hint=hints.BY_CODE["390303"])
    if _WAREHOUSE.search(message):
        return e.NoWarehouseError(message, hint="Set the user's DEFAULT_WAREHOUSE, and grant its USAGE to the role.")
    return otherwise(message)
