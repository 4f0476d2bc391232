"""The arguments of a relayed tool, held to the schema it was pinned with before anything is asked of anybody.

Upstream ignores an argument it does not know, and a call with a wrong name does something else than was meant: here it
is answered with the right one, and nothing is guessed. Pure. Source: MCP 2026-07-28, Tools (Security Considerations)
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import orjson

from skipass.errors import SkipassError
from skipass.gateway.relay_judging import SQL_ARGUMENT
from skipass.nouns.mcp_tool import McpTool, ToolEffect

SESSION = "session_id"
MOST_BYTES = 1_000_000
_SESSION_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {"type": "string", "description": "Id of the access session, needed only where several are open."}
)
_MEANT = MappingProxyType(
    {
        "statement": "sql",
        "query": "sql",
        "sql_text": "sql",
        "text": "query",
        "q": "query",
        "message": "text",
        "question": "message",
        "prompt": "message",
        "input": "text",
    }
)
_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
        "null": (type(None),),
    }
)


def listed_schema(tool: McpTool) -> dict[str, Any]:
    """Return the input schema that is shown: the upstream's, and where the name is free the session's id."""
    schema: dict[str, Any] = dict(tool.definition.get("inputSchema") or {"type": "object"})
    properties = known_arguments(tool)
    if SESSION not in properties:
        schema["properties"] = {**properties, SESSION: dict(_SESSION_SCHEMA)}
    return schema


def known_arguments(tool: McpTool) -> Mapping[str, Any]:
    """Return the properties that a call may have, of a SQL tool its SQL alone: nobody reads any other."""
    properties: Mapping[str, Any] = (tool.definition.get("inputSchema") or {}).get("properties") or {}
    if tool.effect is ToolEffect.SQL:
        return {SQL_ARGUMENT: properties.get(SQL_ARGUMENT, {"type": "string"})}
    return properties


def read_arguments(tool: McpTool, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return what goes upstream, and the session that the call names.

    Raises `unknown_field` with the right name, `missing_field`, `invalid_request` for a wrong type, and
    `request_too_large`.
    """
    known, given = known_arguments(tool), dict(arguments)
    session = given.pop(SESSION, None) if SESSION not in known else None
    if session is not None and not isinstance(session, str):
        raise _wrong(tool, "invalid_request", SESSION, "It is a text.")
    schema = tool.definition.get("inputSchema") or {}
    for name in given:
        if name not in known and not _takes_more(tool, schema):
            raise _wrong(tool, "unknown_field", name, _instead(name, known))
    required = [SQL_ARGUMENT] if tool.effect is ToolEffect.SQL else schema.get("required") or []
    for name in required:
        if name not in given:
            raise _wrong(tool, "missing_field", name, f"Arguments: {', '.join(known)}.")
    for name, value in given.items():
        _typed(tool, name, value, known.get(name))
    _bounded(given)
    return given, session


def _takes_more(tool: McpTool, schema: Mapping[str, Any]) -> bool:
    return tool.effect is not ToolEffect.SQL and schema.get("additionalProperties") not in (None, False)


def _instead(name: str, known: Mapping[str, Any]) -> str:
    meant = _MEANT.get(name)
    near = [meant] if meant in known else get_close_matches(name[:80], list(known), n=1)
    if not near and len(known) == 1:
        near = list(known)
    return f"Did you mean {near[0]}?" if near else f"Arguments: {', '.join(known) or 'none'}."


def _typed(tool: McpTool, name: str, value: Any, schema: Any) -> None:
    wanted = schema.get("type") if isinstance(schema, dict) else None
    names = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    kinds = [_TYPES[one] for one in names if isinstance(one, str) and one in _TYPES]
    if not kinds:
        return
    fits = any(isinstance(value, kind) and (bool in kind or not isinstance(value, bool)) for kind in kinds)
    if not fits:
        raise _wrong(tool, "invalid_request", name, f"It is of type {' or '.join(map(str, names))}.")


def _bounded(given: Mapping[str, Any]) -> None:
    try:
        size = len(orjson.dumps(dict(given)))
    except (TypeError, orjson.JSONEncodeError):
        raise SkipassError("invalid_request", "The arguments have no JSON form (UTF-8 text).") from None
    if size > MOST_BYTES:
        raise SkipassError("request_too_large", f"The arguments are over {MOST_BYTES:,} bytes.")


def _wrong(tool: McpTool, code: str, name: str, hint: str) -> SkipassError:
    said = {"unknown_field": "has no argument", "missing_field": "needs the argument"}.get(
        code, "cannot take the value of"
    )
    shown = "".join(c if c.isprintable() else "?" for c in name[:60])
    return SkipassError(code, f"{tool.name} {said} {shown}.", hint, details={"tool": tool.name, "fields": [shown]})
