"""What became of a relayed call whose answer was lost: a SQL tool's is found by its mark, any other by nobody.

It is never sent again. Snowflake keeps no result of it that could be fetched by a handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from skipass.gateway.relay_judging import mark
from skipass.gateway.system import System
from skipass.gateway.way_out import Out
from skipass.nouns.mcp_tool import ToolType
from skipass.nouns.statement import Intent, Statement, StatementState

_ENDS = MappingProxyType(
    {
        "SUCCESS": StatementState.SUCCEEDED,
        "FAILED_WITH_ERROR": StatementState.FAILED,
        "FAIL": StatementState.FAILED,
        "FAILED_WITH_INCIDENT": StatementState.FAILED,
        "INCIDENT": StatementState.FAILED,
    }
)
Found = tuple[StatementState | None, Mapping[str, Any]]
"""How a call ended, with what is known of it; None: it is there and has not ended."""


def can_be_found(intent: Intent) -> bool:
    """Return whether the query history would tell."""
    return intent.call is not None and intent.call["type"] == ToolType.SQL.value


async def found(system: System, out: Out, statement: Statement, intent: Intent) -> Found | None:
    """Return what the query history of the same login says of a SQL tool's statement, None where it has no trace."""
    context: dict[str, Any] = {"role": intent.role, "warehouse": intent.warehouse, "database": intent.database}
    answer = await system.ask("history_by_text", out, binds=[mark(statement.id).strip()], **context)
    if not answer.rows:
        return None
    row = answer.rows[0]
    state = _ENDS.get((row["EXECUTION_STATUS"] or "").upper())
    facts: dict[str, Any] = {"handle": row["QUERY_ID"]}
    if state is StatementState.FAILED:
        facts |= {"error_code": row["ERROR_CODE"] or "failed"}
        facts |= {"error_message": row["ERROR_MESSAGE"] or "Snowflake failed the statement."}
    return state, facts
