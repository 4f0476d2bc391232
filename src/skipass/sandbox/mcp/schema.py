"""Whether arguments fit a tool's input schema: the keywords that specifications of tools use, and no more.

Keys that the schema does not name are let through, as the account does.
"""

from __future__ import annotations

from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def fault(schema: dict[str, Any], value: Any, where: str = "arguments") -> str | None:
    """Return what is wrong with a value, None if nothing is."""
    wrong = _kind(schema, value, where)
    if wrong is not None:
        return wrong
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is none of the allowed values"
    if isinstance(value, dict):
        return _object(schema, value, where)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        faults = (fault(schema["items"], one, f"{where}[{index}]") for index, one in enumerate(value))
        return next((one for one in faults if one is not None), None)
    return None


def _kind(schema: dict[str, Any], value: Any, where: str) -> str | None:
    wanted = schema.get("type")
    if not isinstance(wanted, str) or wanted not in _KINDS:
        return None
    fits = isinstance(value, _KINDS[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
    return None if fits else f"{where} is not of type {wanted}"


def _object(schema: dict[str, Any], value: dict[str, Any], where: str) -> str | None:
    for name in schema.get("required") or []:
        if name not in value:
            return f"{where} lacks '{name}'"
    properties = schema.get("properties")
    for name, one in (properties if isinstance(properties, dict) else {}).items():
        wrong = fault(one, value[name], name) if name in value and isinstance(one, dict) else None
        if wrong is not None:
            return wrong
    return None
