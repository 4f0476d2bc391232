"""What a call of a relayed tool touches, and whether its session lets it run: the verdict of the guard, or of the pin.

A SQL tool's text is judged as any text, under whatever name the tool goes, and only reads. What cannot be read from
the arguments waits for a person, and its object has to be named in the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import orjson

from skipass.access.sqlguard.names import parse_name, render
from skipass.access.sqlguard.scopes import Wish, area_of
from skipass.gateway.deps import Guard
from skipass.gateway.relay_merging import pin_facts, told
from skipass.nouns.connection import Drift, McpServer
from skipass.nouns.mcp_tool import McpTool, PinState, ToolEffect, ToolRule
from skipass.nouns.scope import Access, Scope
from skipass.nouns.verdict import Outcome, Reason, StatementKind, Verdict

SQL_ARGUMENT = "sql"


@dataclass(frozen=True, slots=True)
class RelayedCall:
    """One call of a pinned tool, by the upstream's own name and with the upstream's own arguments."""

    server: McpServer
    tool: McpTool
    arguments: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The text that people and the record see: a SQL tool's SQL, else the tool and its arguments."""
        if self.tool.effect is ToolEffect.SQL:
            return str(self.arguments[SQL_ARGUMENT])
        shown = orjson.dumps(dict(self.arguments), option=orjson.OPT_SORT_KEYS).decode("utf-8", "replace")
        return f"{self.tool.name} {shown}"

    @property
    def bound(self) -> Mapping[str, Any]:
        """What an intent holds of it; the SQL is the intent's text and nowhere else."""
        arguments = {k: v for k, v in self.arguments.items() if k != SQL_ARGUMENT or not self.is_sql}
        shape = {"server": self.server.id, "url": self.server.upstream, "tool": self.tool.name}
        return shape | {"type": self.tool.type.value, "hash": self.tool.current_hash, "arguments": arguments}

    @property
    def is_sql(self) -> bool:
        """Whether the guard reads it."""
        return self.tool.effect is ToolEffect.SQL


def mark(statement_id: str) -> str:
    """Return the comment by which the text of a SQL tool is found again in Snowflake's query history.

    It stands behind the text: Snowflake keeps what stands there, and takes comments off the front.
    """
    return f"\n/* skipass:{statement_id} */"


def marked(text: str, statement_id: str) -> str:
    """Return a SQL tool's text as it is judged and sent."""
    return text.rstrip().rstrip(";").rstrip() + mark(statement_id)


async def judged(guard: Guard, scope: Scope, call: RelayedCall, statement_id: str) -> Verdict:
    """Return the verdict on a call in a scope (with the session's role and warehouse); never raises for its content."""
    refused = _unusable(call)
    if refused is not None:
        return refused
    verdict = await _sql(guard, scope, call, statement_id) if call.is_sql else _object(scope, call)
    return verdict if verdict.outcome is Outcome.DENY else _ruled(verdict, call)


def _unusable(call: RelayedCall) -> Verdict | None:
    tool, drifted = call.tool, call.tool.state is PinState.DRIFTED
    if tool.effect is ToolEffect.UNKNOWN:
        return _denied("not_allowed", tool.name, "Nobody told what kind of tool this is, so it is not called.")
    if tool.state not in (PinState.PINNED, PinState.DRIFTED):
        return _denied("tool_drifted", tool.name, f"The tool is {tool.state.value}: {tool.why or 'it is not pinned'}.")
    if drifted and (call.server.drift is Drift.REFUSED or tool.seen.get("facts") != told(pin_facts(tool))):
        return _denied("tool_drifted", tool.name, "The tool is not the one that was pinned.")
    if tool.rule is ToolRule.REFUSED:
        return _denied("not_allowed", tool.name, "An admin refuses calls of this tool.")
    return None


async def _sql(guard: Guard, scope: Scope, call: RelayedCall, statement_id: str) -> Verdict:
    """Judge the marked text as one of a read session, twice: what was spliced leaves no name to any search path."""
    place, reading = _place(scope), replace(scope, access=Access.READ)
    verdict = await guard.check(marked(call.text, statement_id), reading, **place)
    if verdict.outcome is Outcome.DENY or verdict.text is None:
        return verdict
    tail = mark(statement_id)
    if verdict.kind is not StatementKind.READ or not verdict.text.endswith(tail):
        message = (
            "A SQL tool of a managed MCP server only reads: a write goes by snowflake_execute_query of another slug."
        )
        return _denied("not_allowed", verdict.kind.value, message, verdict)
    again = await guard.check(verdict.text, reading, database=None, schema=None)
    if again.text != verdict.text or again.reads != verdict.reads:
        return _denied("unparseable", call.tool.name, "Write every name in full, as DB.SCHEMA.NAME.", verdict)
    return replace(verdict, text=verdict.text.removesuffix(tail))


def _place(scope: Scope) -> Mapping[str, str | None]:
    """Return the current database and schema: the session's only schema, else none."""
    parts = parse_name(scope.schemas[0]) if len(scope.schemas) == 1 else None
    if parts is None or len(parts) != 2:
        return MappingProxyType({"database": None, "schema": None})
    return MappingProxyType({"database": parts[0], "schema": parts[1]})


def _object(scope: Scope, call: RelayedCall) -> Verdict:
    tool, area = call.tool, area_of(scope)
    wish = Wish.start(area)
    opaque = tool.effect is ToolEffect.OPAQUE
    for name in map(_parts, tool.objects):
        if opaque and name not in area.functions:
            if name[:2] not in area.schemas:
                wish.want_object(name)
            wish.functions.append(render(name))
        elif not opaque and not area.holds(name):
            wish.want_object(name)
    kind = StatementKind.WRITE if opaque else StatementKind.READ
    verdict = Verdict(Outcome.ALLOW, kind, tool.objects, tool.objects if opaque else (), text=call.text)
    if wish.schemas or wish.tables or wish.functions:
        where = "named in the session's functions" if opaque else "in the session's scope"
        reason = Reason("out_of_scope", ", ".join(tool.objects), f"What {tool.name} uses is not {where}.")
        return replace(verdict, outcome=Outcome.DENY, reasons=(reason,), text=None, needs=wish.as_dict())
    return verdict


def _ruled(verdict: Verdict, call: RelayedCall) -> Verdict:
    """Hold what an admin wants held, and what changed since somebody looked at it."""
    tool, reasons = call.tool, list[Reason]()
    if tool.rule is ToolRule.HELD:
        why = "Nobody can read from the arguments what this tool does." if tool.effect is ToolEffect.OPAQUE else ""
        reasons.append(Reason("approval_required", tool.name, why or "An admin wants calls of this tool held."))
    if tool.state is PinState.DRIFTED:
        reasons.append(Reason("tool_drifted", tool.name, "The tool's definition changed since it was pinned."))
    if not reasons:
        return verdict
    return replace(verdict, outcome=Outcome.REVIEW, reasons=(*verdict.reasons, *reasons))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in parse_name(name) or () if part is not None)


def _denied(code: str, piece: str, message: str, of: Verdict | None = None) -> Verdict:
    reason = Reason(code, piece, message)
    if of is None:
        return Verdict(Outcome.DENY, StatementKind.PROCEDURAL, reasons=(reason,))
    return replace(of, outcome=Outcome.DENY, reasons=(reason,), text=None, needs=None)
