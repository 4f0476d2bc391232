"""What happens when a tool is called: SQL for real, search, scripted analyst and agent, functions and procedures.

USAGE on the server does not grant its tools: each looks at its own target again. Everything that runs SQL goes the way
of any statement, under the caller's role, and is found in the query history.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from skipass.sandbox import failures, lexer
from skipass.sandbox.account import Account
from skipass.sandbox.catalog import SchemaObject
from skipass.sandbox.failures import Failure
from skipass.sandbox.lexer import Token
from skipass.sandbox.mcp import objects, search, semantic, spec
from skipass.sandbox.mcp.spec import Tool
from skipass.sandbox.names import TableName, shown, stored
from skipass.sandbox.requests import Submit
from skipass.sandbox.results import Row
from skipass.sandbox.runner import Runner
from skipass.sandbox.session import Session
from skipass.sandbox.statements import Output, Statement

MAX_TEXT_BYTES = 250_000
_READS = frozenset({"SELECT", "WITH", "(", "VALUES", "SHOW", "DESC", "DESCRIBE", "EXPLAIN"})
Arguments = dict[str, Any]


class ToolFailure(Exception):
    """The tool did not do its work; the argument is the text that the caller sees."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool, by a session, on the statements of its account."""

    account: Account
    runner: Runner
    session: Session
    tool: Tool

    async def run(self, arguments: Arguments) -> dict[str, Any]:
        """Return the `result` of the call, or raise ToolFailure."""
        try:
            return await _RUN[self.tool.type](self, arguments)
        except Failure as failure:
            text = f"MCP Server tool error: {failure.message}\nrequest-id: {secrets.token_hex(16)}"
            raise ToolFailure(text) from None

    async def statement(self, submit: Submit, session: Session) -> Statement:
        """Run one statement to its end; raises its failure."""
        started = self.runner.start(submit, session, None)
        try:
            await self.runner.wait(started, float("inf"))
        finally:
            if not started.done.is_set():
                await self.runner.stop(started, failures.cancelled())
        if started.failure is not None:
            raise started.failure
        return started

    def target(self, kind: str, privilege: str) -> SchemaObject:
        """Return the object behind the tool, or raise the text for one that is missing or not granted."""
        rights = self.session.rights(self.account.catalog)
        try:
            name = TableName(*self.names())
            return objects.found(self.account, rights, kind, name, privilege)
        except (Failure, TypeError):
            label = kind.lower().removeprefix("cortex ")
            raise ToolFailure(f"{label} does not exist or access is not authorized") from None

    def names(self) -> list[str]:
        """Return the stored parts of the target's name."""
        tokens = lexer.tokenize(self.tool.target)
        return [stored(token.text) for token in tokens if token.kind in ("word", "quoted")]


def text_result(text: str) -> dict[str, Any]:
    """Return a result of one text block."""
    return {"content": [{"type": "text", "text": text}]}


async def _sql(call: Call, arguments: Arguments) -> dict[str, Any]:
    text = arguments["sql"]
    config = call.tool.config
    if config.get("read_only", True) is not False:
        _only_reads(text)
    session = call.session
    if isinstance(config.get("warehouse"), str):
        session.warehouse = stored(config["warehouse"])
    found = await call.statement(Submit(text, timeout=_timeout(call)), session)
    return text_result(_rows_text(found))


def _only_reads(text: str) -> None:
    tokens = lexer.tokenize(text)
    for part in lexer.split(tokens):
        if part[0].upper not in _READS or _writes(part):
            raise failures.unsupported("statement other than a query on a read-only server")


def _writes(part: list[Token]) -> bool:
    return part[0].upper == "EXPLAIN" and len(part) > 1 and part[1].upper == "ANALYZE"


def _rows_text(found: Statement) -> str:
    """Rows are left out from the end until the text fits, and the count of all rows stays."""
    output = found.output
    if output is None:
        raise failures.unsupported("statement without a result")
    rows = _all_rows(output)
    while len(text := _written(found.handle, output, rows).encode()) > MAX_TEXT_BYTES and rows:
        rows = rows[: max(len(rows) * MAX_TEXT_BYTES // len(text) - 1, 0)]
    return text.decode()


def _written(handle: str, output: Output, rows: list[Row]) -> str:
    meta = {
        "numRows": output.total_rows,
        "format": "jsonv2",
        "rowType": [column.as_json() for column in output.columns],
    }
    body = {"query_id": handle, "result_set": {"data": rows, "resultSetMetaData": meta}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _all_rows(output: Output) -> list[Row]:
    """The first partition alone holds more than the text may be long, unless partitions were set to be small."""
    return [row for partition in output.partitions for row in partition.read()]


async def _generic(call: Call, arguments: Arguments) -> dict[str, Any]:
    names = list(dict(call.tool.input_schema().get("properties") or {}))
    given = [name for name in names if name in arguments]
    bindings = {str(index): _binding(arguments[name]) for index, name in enumerate(given, 1)}
    place = ".".join(map(shown, call.names()))
    verb = "CALL" if call.tool.config["type"] == "procedure" else "SELECT"
    text = f"{verb} {place}({', '.join('?' * len(given))})"
    session = call.session
    if isinstance(call.tool.config.get("warehouse"), str):
        session.warehouse = stored(call.tool.config["warehouse"])
    found = await call.statement(Submit(text, timeout=_timeout(call), bindings=bindings or None), session)
    return text_result(_returned(found))


def _timeout(call: Call) -> int:
    timeout = call.tool.config.get("query_timeout")
    return timeout if isinstance(timeout, int) else 0


def _returned(found: Statement) -> str:
    """Return one value as its text, a table as a JSON list of its rows, shortened to what a text may hold."""
    rows = _all_rows(found.output) if found.output is not None else []
    names = [column.name for column in found.output.columns] if found.output is not None else []
    if len(names) == 1 and len(rows) <= 1:
        return str(rows[0][0]) if rows and rows[0][0] is not None else "null"
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    while len(text := json.dumps(listed, ensure_ascii=False)) > MAX_TEXT_BYTES and listed:
        listed = listed[: len(listed) // 2]
    return text


def _binding(value: Any) -> dict[str, str | None]:
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "value": str(value).lower()}
    if isinstance(value, int):
        return {"type": "FIXED", "value": str(value)}
    if isinstance(value, float):
        return {"type": "REAL", "value": repr(value)}
    if value is None or isinstance(value, str):
        return {"type": "TEXT", "value": value}
    return {"type": "TEXT", "value": json.dumps(value)}


async def _search(call: Call, arguments: Arguments) -> dict[str, Any]:
    service = call.target("CORTEX SEARCH SERVICE", "USAGE")
    owner = call.account.session_of(call.session.user, service.owner)
    owner.warehouse, owner.tag = call.session.warehouse, "cortex search"
    found = await call.statement(Submit(service.text), owner)
    if found.output is None:
        raise failures.unsupported("service without rows")
    names = [column.name for column in found.output.columns]
    rows = [dict(zip(names, row, strict=True)) for row in _all_rows(found.output)]
    try:
        kept = [row for row in rows if search.passes(arguments.get("filter") or {}, row)]
    except ValueError as error:
        raise ToolFailure(f"MCP Server tool error: {error}") from None
    best = search.ranked(arguments["query"], [row[service.details["column"]] or "" for row in kept])
    limit = min(arguments.get("limit", 10), search.MAX_LIMIT)
    columns = [str(name).upper() for name in arguments.get("columns") or names]
    unknown = [name for name in columns if name not in names]
    if unknown:
        raise ToolFailure(f"MCP Server tool error: column {unknown[0]} is not part of the service")
    chosen = [{name: kept[index][name] for name in columns} for index in best[: max(limit, 0)]]
    if call.account.switches.mcp_search_shape == "results":
        return {"results": {"request_id": found.handle, "results": chosen}}
    return text_result(json.dumps(chosen, ensure_ascii=False))


async def _analyst(call: Call, arguments: Arguments) -> dict[str, Any]:
    view = semantic.read(call.target("SEMANTIC VIEW", "SELECT"))
    said, sql = semantic.answer(view, arguments["message"])
    items: list[dict[str, str]] = [{"text": said}]
    if sql is not None:
        items.append({"statement": sql})
    text = json.dumps(items, ensure_ascii=False)
    return text_result(f"```json\n{text}\n```" if call.account.switches.mcp_analyst_fence else text)


async def _agent(call: Call, arguments: Arguments) -> dict[str, Any]:
    agent = call.target("AGENT", "USAGE")
    lines = spec.document(agent.text).get("answers")
    answers = lines if isinstance(lines, dict) else {}
    told = str(answers.get(arguments["text"], "There is no scripted answer to this."))
    kind = call.account.switches.mcp_agent_results
    items = [
        {"type": "thinking", "thinking": {"text": semantic.SAID}},
        {"type": "tool_use", "name": "sql", "input": {}},
        {"type": kind, "name": "sql", "content": []},
        {"type": "text", "text": told},
    ]
    return text_result(json.dumps({"content": items}, ensure_ascii=False))


_RUN: dict[str, Callable[[Call, Arguments], Awaitable[dict[str, Any]]]] = {
    spec.SQL: _sql,
    spec.GENERIC: _generic,
    spec.SEARCH: _search,
    spec.ANALYST: _analyst,
    spec.AGENT: _agent,
}
