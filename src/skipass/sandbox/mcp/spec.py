"""The YAML of CREATE MCP SERVER and of semantic views, read within bounds: plain data, no aliases, no tags.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-mcp-server.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from skipass.sandbox import failures

MAX_BYTES, MAX_TOOLS = 200_000, 50
SQL, SEARCH, ANALYST = "SYSTEM_EXECUTE_SQL", "CORTEX_SEARCH_SERVICE_QUERY", "CORTEX_ANALYST_MESSAGE"
AGENT, GENERIC = "CORTEX_AGENT_RUN", "GENERIC"
TYPES = (SQL, SEARCH, ANALYST, AGENT, GENERIC)
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of a server: `target` is the object behind it, `config` what its type needs."""

    name: str
    type: str
    title: str
    description: str
    target: str = ""
    config: dict[str, Any] = field(default_factory=dict)

    def listed(self) -> dict[str, Any]:
        """Return the entry of `tools/list`."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema(),
        }

    def input_schema(self) -> Schema:
        """Return the schema of the tool's arguments."""
        if self.type == GENERIC:
            return {"type": "object"} | dict(self.config.get("input_schema") or {})
        return _SCHEMAS[self.type]


def _text(described: str) -> Schema:
    return {"type": "string", "description": described}


_SCHEMAS: dict[str, Schema] = {
    SQL: {"type": "object", "properties": {"sql": _text("The statement to run.")}, "required": ["sql"]},
    ANALYST: {"type": "object", "properties": {"message": _text("The question.")}, "required": ["message"]},
    AGENT: {"type": "object", "properties": {"text": _text("The request.")}, "required": ["text"]},
    SEARCH: {
        "type": "object",
        "description": "A query and how to narrow its results.",
        "properties": {
            "query": _text("What to search for."),
            "columns": {"type": "array", "items": {"type": "string"}, "description": "Columns to return."},
            "filter": {"type": "object", "description": "Conditions on the service's attributes."},
            "limit": {"type": "integer", "default": 10, "description": "The most rows to return."},
        },
        "required": ["query"],
    },
}


class _Loader(yaml.SafeLoader):
    """Plain YAML; an alias could make a small text a huge value, so there are none."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)


def document(text: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds; 391404 for anything else."""
    if len(text.encode()) > MAX_BYTES:
        raise bad("the specification is too large")
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader of our own
    except (yaml.YAMLError, RecursionError, ValueError):
        raise bad("the specification is not YAML") from None
    if not isinstance(found, dict):
        raise bad("the specification is no mapping")
    return found


def bad(why: str) -> failures.Failure:
    """Return the failure of a specification that cannot be used."""
    return failures.compilation("391404", "22023", f"Invalid specification: {why}.")


def tools(text: str) -> list[Tool]:
    """Return the tools of a server's specification, names unique, every type known."""
    listed = document(text).get("tools")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_TOOLS:
        raise bad(f"'tools' must be a list of 1 to {MAX_TOOLS}")
    found = [_tool(one) for one in listed]
    if len({one.name for one in found}) != len(found):
        raise bad("tool names must be unique")
    return found


def _tool(one: Any) -> Tool:
    if not isinstance(one, dict):
        raise bad("a tool is no mapping")
    texts = {key: one.get(key) for key in ("name", "type", "title", "description")}
    for key, value in texts.items():
        if not isinstance(value, str) or not value:
            raise bad(f"a tool lacks '{key}'")
    kind = str(texts["type"]).upper()
    config = one.get("config") or {}
    if kind not in TYPES or not isinstance(config, dict):
        raise bad(f"tool {texts['name']} has a type or config that is not known")
    target = str(one.get("identifier") or "")
    if kind != SQL and not target:
        raise bad(f"tool {texts['name']} lacks 'identifier'")
    if kind == GENERIC and config.get("type") not in ("function", "procedure"):
        raise bad(f"tool {texts['name']} needs config.type function or procedure")
    return Tool(str(texts["name"]), kind, str(texts["title"]), str(texts["description"]), target, config)


def shown(text: str) -> str:
    """Return `server_spec` as DESCRIBE shows it: JSON with version and tools."""
    return json.dumps({"version": 1, "tools": document(text)["tools"]}, ensure_ascii=False, default=str)
