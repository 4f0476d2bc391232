"""What a managed MCP server says of its tools, read with care: each tool by itself, nothing guessed, all of it bounded.

The type of a tool is not in its listing: DESCRIBE MCP SERVER tells it, or an admin does. Pure; knows no network.
Source: https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-agents-mcp ; MCP 2026-07-28, Tools
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from skipass.access.sqlguard.names import parse_name, render
from skipass.errors import SkipassError
from skipass.ids import digest
from skipass.nouns.mcp_tool import ToolEffect, ToolType

MOST_TOOLS = 200
"""Snowflake has 50 in a server; four times that is no longer a list for a model."""
_MOST_SCHEMA_BYTES = 64 * 1024
_MOST_DEPTH = 24
_MOST_TEXT = 16_000
_MOST_TIMEOUT_S = 7 * 86_400
_EFFECTS: Mapping[ToolType, ToolEffect] = MappingProxyType(
    {
        ToolType.SQL: ToolEffect.SQL,
        ToolType.SEARCH: ToolEffect.READ,
        ToolType.ANALYST: ToolEffect.READ,
        ToolType.AGENT: ToolEffect.OPAQUE,
        ToolType.GENERIC: ToolEffect.OPAQUE,
    }
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a tool beside its listing: from DESCRIBE, or from an admin's declaration.

    `identifier` is the object behind it as Snowflake shows it, in quotes where they are needed.
    """

    type: ToolType
    identifier: str | None = None
    warehouse: str | None = None
    read_only: bool = True
    timeout_s: int | None = None

    @property
    def effect(self) -> ToolEffect:
        """What a call does; unknown also for a tool whose object is not named."""
        effect = _EFFECTS.get(self.type, ToolEffect.UNKNOWN)
        needs_object = effect in (ToolEffect.READ, ToolEffect.OPAQUE)
        return ToolEffect.UNKNOWN if needs_object and self.identifier is None else effect

    @property
    def objects(self) -> tuple[str, ...]:
        """What a call touches, in so far as the arguments do not say it."""
        return (self.identifier,) if self.identifier else ()


UNKNOWN = Facts(ToolType.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Listed:
    """One tool of a listing; `why` says what is wrong with a definition that cannot be relayed."""

    name: str
    definition: Mapping[str, Any]
    why: str | None = None


def read_listing(result: Mapping[str, Any]) -> list[Listed]:
    """Return the tools of a `tools/list` result, in order of name.

    One odd tool is unfit and spoils no other. Raises `snowflake_misconfigured` for what is no list of tools, and for
    more of them than are relayed.
    """
    tools = result.get("tools")
    if not isinstance(tools, list):
        raise SkipassError("snowflake_misconfigured", "The MCP server's answer holds no list of tools.")
    if len(tools) > MOST_TOOLS or result.get("nextCursor"):
        message = f"The MCP server lists more than {MOST_TOOLS} tools."
        raise SkipassError("snowflake_misconfigured", message, "Make servers with fewer tools, each with its own slug.")
    found = {one.name: one for one in map(_tool, tools) if one is not None}
    return [found[name] for name in sorted(found)]


def _tool(shape: Any) -> Listed | None:
    name = shape.get("name") if isinstance(shape, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 128 or not name.isprintable():
        return None
    texts = {key: shape[key] for key in ("title", "description") if isinstance(shape.get(key), str)}
    if any(len(text) > _MOST_TEXT for text in texts.values()):
        return Listed(name, {"name": name}, "its description is too long")
    schema = shape.get("inputSchema", {})
    why = _unfit(schema)
    if why is not None:
        return Listed(name, {"name": name}, why)
    return Listed(name, {"name": name, **texts, "inputSchema": {"type": "object", **schema}})


def _unfit(schema: Any) -> str | None:
    """Return why a schema is not shown to models, None for a good one. Source: MCP 2026-07-28, Tools"""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return "its inputSchema is not that of an object"
    if len(orjson.dumps(schema)) > _MOST_SCHEMA_BYTES:
        return "its inputSchema is too large"
    if not _shallow(schema):
        return "its inputSchema is too deep, or refers to another document"
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not all(isinstance(one, (dict, bool)) for one in properties.values()):
        return "the properties of its inputSchema are no schemas"
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        return "what its inputSchema requires is no list of names"
    return None


def _shallow(schema: Mapping[str, Any]) -> bool:
    level: list[Any] = [schema]
    for _ in range(_MOST_DEPTH):
        if any(_leads_away(one) for one in level if isinstance(one, dict)):
            return False
        inner = [one for one in level if isinstance(one, (dict, list))]
        level = [child for one in inner for child in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return True
    return False


def _leads_away(one: Mapping[str, Any]) -> bool:
    found = (one.get(key) for key in ("$ref", "$dynamicRef"))
    return any(isinstance(ref, str) and not ref.startswith("#") for ref in found)


def read_spec(text: str) -> dict[str, Facts]:
    """Return what the `server_spec` of DESCRIBE MCP SERVER says of each tool; what cannot be read is left out."""
    try:
        spec = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    tools = spec.get("tools") if isinstance(spec, dict) else None
    shapes = [one for one in tools if isinstance(one, dict)] if isinstance(tools, list) else []
    return {str(one.get("name")): _facts(one) for one in shapes if isinstance(one.get("name"), str)}


def _facts(shape: Mapping[str, Any]) -> Facts:
    config = shape.get("config")
    config = config if isinstance(config, dict) else {}
    timeout_s = config.get("query_timeout")
    return Facts(
        type_named(shape.get("type")),
        canonical(shape.get("identifier")),
        str(config["warehouse"]) if isinstance(config.get("warehouse"), str) else None,
        config.get("read_only", True) is not False,
        timeout_s if type(timeout_s) is int and 0 < timeout_s <= _MOST_TIMEOUT_S else None,
    )


def type_named(value: object) -> ToolType:
    """Return the type of that name, unknown for any that is not understood."""
    known = {one.value for one in ToolType}
    return ToolType(value.upper()) if isinstance(value, str) and value.upper() in known else ToolType.UNKNOWN


def canonical(identifier: object) -> str | None:
    """Return a full object name as Snowflake resolves it, None for what is none."""
    parts = parse_name(identifier) if isinstance(identifier, str) and len(identifier) < 1000 else None
    if parts is None or len(parts) != 3 or None in parts:
        return None
    return render([part or "" for part in parts])


def hash_of(definition: Mapping[str, Any], facts: Facts) -> str:
    """Return the hex SHA-256 of everything a pin stands for: the definition, and what the tool is."""
    known = [facts.type.value, facts.identifier, facts.warehouse, facts.read_only, facts.timeout_s]
    return digest(b"mcp tool/1", orjson.dumps([dict(definition), known], option=orjson.OPT_SORT_KEYS))


def names_listed(names: Sequence[str], taken: frozenset[str]) -> dict[str, str]:
    """Return the name under which each upstream tool is listed: its own, unless that is taken or not one MCP has.

    Source: MCP 2026-07-28, Tools (Tool Names)
    """
    given: dict[str, str] = {}
    for name in sorted(names):
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in name)
        shown = plain if plain not in taken else f"upstream_{plain}"[:128]
        if shown in taken or shown in given or (plain != name and plain in names):
            shown = f"{shown[:119]}_{digest(name.encode())[:8]}"
        given[shown] = name
    return given
