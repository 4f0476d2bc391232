"""What the page of an MCP server shows, as plain values: who is let in, each tool, and how a tool differs from its pin.

No rule lives here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any

import orjson

from skipass.gateway.slug_names import Shown
from skipass.nouns.connection import Switch
from skipass.nouns.mcp_tool import McpTool, PinState, ToolEffect, ToolRule
from skipass.tools.snippets import mcp_url

MOST_LINES = 400
"""Longer texts are shown whole beside each other: what a stranger wrote must not cost much to compare."""
_STATES: Mapping[PinState, str] = MappingProxyType(
    {
        PinState.PINNED: "as it was pinned",
        PinState.NEW: "new: agents do not see it until it is pinned",
        PinState.DRIFTED: "not what was pinned: agents see the pinned one, its calls wait or are refused",
        PinState.GONE: "gone from the server",
        PinState.UNFIT: "not relayed",
    }
)
_EFFECTS: Mapping[ToolEffect, str] = MappingProxyType(
    {
        ToolEffect.SQL: "runs SQL, which is read each time",
        ToolEffect.READ: "reads its objects",
        ToolEffect.OPAQUE: "may do anything: it cannot be read from the arguments",
        ToolEffect.UNKNOWN: "not known",
    }
)
_RULES: Mapping[ToolRule, str] = MappingProxyType(
    {ToolRule.ALLOWED: "calls run", ToolRule.HELD: "calls wait for a person", ToolRule.REFUSED: "calls are refused"}
)
Row = tuple[str, str, bool]
"""A line of what is pinned, the line of what is seen beside it, and whether the two differ."""


def line_values(shown: Shown, unlike: int) -> dict[str, Any]:
    """Return one line of the list; `unlike` is how many of its tools are not as they were pinned."""
    server = shown.server
    return {
        "slug": server.slug,
        "leads_to": server.upstream or f"our tools over {shown.connection}",
        "who": _who(shown),
        "sessions": server.sessions.value,
        "unlike": unlike if server.upstream else None,
        "state": server.state.value,
    }


def _who(shown: Shown) -> str:
    """Return in a few words who is let in."""
    nouns = (("users", "person", "people"), ("groups", "group", "groups"), ("agents", "agent", "agents"))
    counts = [(len(shown.names[name]), one, many) for name, one, many in nouns]
    told = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
    told += ["every agent with the connection"] if shown.server.agents_of_connection else []
    return ", ".join(told) or "nobody"


def server_values(shown: Shown, base_url: str) -> dict[str, Any]:
    """Return the values of a server."""
    server = shown.server
    return {
        "slug": server.slug,
        "url": mcp_url(base_url, server.slug),
        "connection": shown.connection,
        "upstream": server.upstream,
        "state": server.state.value,
        "open": server.state is Switch.ENABLED,
        "names": {name: list(names) for name, names in shown.names.items()},
        "every": server.agents_of_connection,
        "sessions": server.sessions.value,
        "drift": server.drift.value,
        "since": server.created_at,
    }


def tool_values(tool: McpTool, people: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of one pinned tool; `people` are names by id."""
    return {
        "name": tool.name,
        "state": _STATES[tool.state],
        "fine": tool.state is PinState.PINNED,
        "why": tool.why or "",
        "hash": tool.current_hash,
        "pinned_hash": tool.hash,
        "seen_hash": tool.seen_hash,
        "facts": list(_facts(tool)),
        "since": tool.pinned_at,
        "by": people.get(tool.pinned_by, "somebody who is gone") if tool.pinned_by else "the first look",
        "seen_at": tool.seen_at,
        "rule": tool.rule.value,
        "description": str(tool.definition.get("description") or ""),
        "schema": _pretty(tool.definition.get("inputSchema", {})),
        "changes": _changes(tool),
        "may_pin": tool.state in (PinState.NEW, PinState.DRIFTED),
        "may_rule": tool.state is PinState.PINNED and tool.effect is not ToolEffect.UNKNOWN,
        "may_declare": tool.state not in (PinState.GONE, PinState.UNFIT),
    }


def _facts(tool: McpTool) -> Iterator[tuple[str, str]]:
    yield "Type", tool.type.value + (" (an admin's word)" if tool.declared else "")
    yield "Does", _EFFECTS[tool.effect]
    yield "So", _RULES[tool.rule]
    if tool.objects:
        yield "Touches", ", ".join(tool.objects)
    if tool.warehouse:
        yield "Warehouse", tool.warehouse


def _changes(tool: McpTool) -> list[tuple[str, list[Row]]]:
    """Return what differs between a pin and what is seen: a title, and its lines side by side."""
    if not tool.seen:
        return []
    now, facts = tool.seen.get("definition", {}), tool.seen.get("facts", {})
    was = {name: getattr(tool, name) for name in facts if hasattr(tool, name)}
    pairs = (
        ("Title", tool.definition.get("title", ""), now.get("title", "")),
        ("Description", tool.definition.get("description", ""), now.get("description", "")),
        ("Arguments", _pretty(tool.definition.get("inputSchema", {})), _pretty(now.get("inputSchema", {}))),
        ("What it is", _pretty(was), _pretty(facts)),
    )
    return [(title, beside(str(old), str(new))) for title, old, new in pairs if old != new]


def beside(old: str, new: str) -> list[Row]:
    """Return two texts line by line beside each other; what is the same in both far from a change is left out."""
    left, right = old.split("\n"), new.split("\n")
    if len(left) > MOST_LINES or len(right) > MOST_LINES:
        return [(old, new, True)]
    found: list[Row] = []
    for group in SequenceMatcher(None, left, right, autojunk=False).get_grouped_opcodes(2):
        for word, start, end, begin, stop in group:
            found += _rows(left[start:end], right[begin:stop], differs=word != "equal")
    return found


def _rows(left: Sequence[str], right: Sequence[str], *, differs: bool) -> list[Row]:
    most = max(len(left), len(right))
    padded = ([*side, *[""] * (most - len(side))] for side in (left, right))
    return [(one, other, differs) for one, other in zip(*padded, strict=True)]


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
