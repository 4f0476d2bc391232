"""Sending: an admitted call of a relayed tool goes out once, and ends exactly once.

There is no handle and no cancel upstream. A call that breaks off may have run: it is unknown, and never sent again.
"""

from __future__ import annotations

from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.crashpoints import reached
from skipass.gateway.deps import Deps
from skipass.gateway.outcomes import Done, Outcomes
from skipass.gateway.relay_judging import SQL_ARGUMENT, marked
from skipass.gateway.relay_refusals import code_of
from skipass.gateway.revocation import Epoch
from skipass.gateway.way_out import Out
from skipass.nouns.mcp_tool import ToolType
from skipass.nouns.statement import Intent, Statement, StatementState
from skipass.snowflake.errors import ProtocolError, SnowflakeError, SnowflakeUnavailable
from skipass.snowflake.mcp.address import parse_server_url
from skipass.snowflake.mcp.client import ManagedMcpClient
from skipass.snowflake.mcp.results import ToolResult

_ONCE = (ToolType.AGENT, ToolType.GENERIC)
SPARE_S = 5.0
"""How much longer than a statement's own timeout its answer is waited for."""


class RelaySender:
    """Sends calls of relayed tools."""

    def __init__(self, deps: Deps, epoch: Epoch, outcomes: Outcomes) -> None:
        self._deps, self._epoch, self._outcomes = deps, epoch, outcomes

    async def send(self, statement: Statement, intent: Intent, out: Out, admitted_under: int) -> Done:
        """Call the tool on the way out's own host, and record how it ended."""

        async def before_send() -> None:
            await self._epoch.still_admitted(statement, admitted_under)
            reached("before_submit")

        try:
            client, call = self._client(statement, intent, out), intent.call or {}
            arguments, once = arguments_of(statement, intent), call["type"] in _ONCE
            result = await client.call_tool(call["tool"], arguments, before_send=before_send, once=once)
        except SkipassError as refusal:
            return Done(await self._not_sent(statement, refusal.code, f"{refusal.message} {refusal.hint}".strip()))
        except SnowflakeError as error:
            await self._deps.upstream.refused(out, error)
            return Done(await self._failed(statement, error))
        reached("submitted_unrecorded")
        await self._deps.upstream.accepted(out)
        return await self._succeeded(statement, result)

    def _client(self, statement: Statement, intent: Intent, out: Out) -> ManagedMcpClient:
        address = parse_server_url(str((intent.call or {})["url"]))
        timeout_s = statement.timeout_s + SPARE_S
        return self._deps.upstream.mcp(out, address.server, warehouse=intent.warehouse, timeout_s=timeout_s)

    async def _succeeded(self, statement: Statement, result: ToolResult) -> Done:
        body = result_body(result)
        size_bytes, rows = len(orjson.dumps(body)), rows_of(result)
        changes: dict[str, Any] = {"result_rows": rows, "result_bytes": size_bytes, "partitions": ((rows, size_bytes),)}
        changes |= await self._outcomes.kept_whole(statement, body, size_bytes)
        reached("before_outcome")
        done = await self._outcomes.answered(statement, StatementState.SUCCEEDED, result.query_id, changes)
        reached("outcome_recorded")
        return Done(done, body)

    async def _not_sent(self, statement: Statement, code: str, message: str) -> Statement:
        """Record that nothing left; one that its session's end gave up before it could leave was never there."""
        facts = _error(code, message)
        try:
            return await self._outcomes.final(statement, StatementState.NOT_SENT, facts)
        except SkipassError as elsewhere:
            if elsewhere.code != "conflict":
                raise
        return await self._outcomes.final(statement, StatementState.NOT_FOUND, facts)

    async def _failed(self, statement: Statement, error: SnowflakeError) -> Statement:
        facts = _error(code_of(error), f"{error.message} {error.hint}".strip())
        if isinstance(error, SnowflakeUnavailable) and not error.sent:
            return await self._not_sent(statement, facts["error_code"], facts["error_message"])
        if error.outcome_unknown or isinstance(error, ProtocolError):
            return await self._outcomes.unknown(statement, facts | {"cancel_unconfirmed": True})
        return await self._outcomes.answered(statement, StatementState.FAILED, None, facts)


def arguments_of(statement: Statement, intent: Intent) -> dict[str, Any]:
    """Return the arguments that leave: those of the intent, and of a SQL tool the very text that was judged."""
    call = intent.call or {}
    arguments = dict(call["arguments"])
    if call["type"] == ToolType.SQL.value:
        arguments[SQL_ARGUMENT] = marked(intent.text, statement.id)
    return arguments


def result_body(result: ToolResult) -> dict[str, Any]:
    """Return what is kept and handed on of a result: the content blocks, and its value as JSON or text."""
    raw = result.raw
    blocks = [block for block in raw.get("content") or [] if isinstance(block, dict)]
    structured = raw.get("structuredContent")
    value = structured if isinstance(structured, dict) else {"result": result.value}
    return {"content": blocks, "data": value}


def rows_of(result: ToolResult) -> int:
    """Return how many rows a result counts as: those of a result set or a list, else one."""
    value = result.value
    found = value.get("result_set") if isinstance(value, dict) else value
    rows = found.get("data") if isinstance(found, dict) else found
    if isinstance(rows, dict):
        rows = rows.get("results")
    return len(rows) if isinstance(rows, list) else 1


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error_code": code, "error_message": message[:4000]}
