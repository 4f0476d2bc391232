"""From a tool's name and raw arguments to a frozen input, or one error that says how to mend the call.

No value the caller sent appears in an error, only the names of members: a statement or a bind may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from skipass.errors import SkipassError
from skipass.tools.catalogue import CATALOGUE, ToolSpec
from skipass.tools.inputs import ToolInput, members_of

_BY_NAME: Mapping[str, ToolSpec] = MappingProxyType({spec.name: spec for spec in CATALOGUE})
_ALIASES = (
    ("database_name", "database"),
    ("schema_name", "schema"),
    ("database", "database_name"),
    ("schema", "schema_name"),
)
# What other tools call the same thing; only ever suggested, never accepted.
_SYNONYMS = MappingProxyType(
    {
        "sql": "statement",
        "query": "statement",
        "sql_text": "statement",
        "binds": "bindings",
        "handle": "statement_handle",
    }
    | {"query_id": "statement_handle", "statementHandle": "statement_handle", "ttl": "ttl_s", "async_exec": "async"}
    | {"partition_index": "partition", "like": "like_pattern", "max_rows": "limit", "rows": "limit"}
)
_CODES = MappingProxyType({"extra_forbidden": "unknown_field", "missing": "missing_field"})


def tool(name: str) -> ToolSpec:
    """Return the tool of that name, or raise `unknown_tool` with the nearest one."""
    found = _BY_NAME.get(name)
    if found is None:
        raise SkipassError("unknown_tool", f"No tool is called {_short(name)}.", _did_you_mean(name, _BY_NAME))
    return found


def validate(name: str, arguments: Mapping[str, Any]) -> ToolInput:
    """Return the frozen input of a tool call.

    Raises `unknown_tool`, `unknown_field`, `missing_field`, `invalid_request`, `invalid_scope` or `invalid_bindings`;
    the first faults of the first kind found are in `details.fields`.
    """
    spec = tool(name)
    try:
        return spec.input.model_validate(_unaliased(spec, arguments))
    except ValidationError as error:
        raise _explain(spec, error) from None


def _unaliased(spec: ToolSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    known = members_of(spec.input)
    plain = {str(name): value for name, value in arguments.items()}
    for alias, member in _ALIASES:
        if alias not in plain or alias in known or member not in known:
            continue
        value = plain.pop(alias)
        if plain.setdefault(member, value) != value:
            raise SkipassError("invalid_request", f"{member} and {alias} differ.", f"Send only {member}.")
    optional = {f.alias or name for name, f in spec.input.model_fields.items() if not f.is_required()}
    # A model that fills in every member says null for what it does not use.
    return {name: value for name, value in plain.items() if value is not None or name not in optional}


def _explain(spec: ToolSpec, error: ValidationError) -> SkipassError:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    code = next((c for kind, c in _CODES.items() if any(f["type"] == kind for f in faults)), "invalid_request")
    same = [f for f in faults if _CODES.get(f["type"], "invalid_request") == code][:10]
    fields = [_path(f["loc"]) for f in same]
    if code == "unknown_field":
        message, hint = f"{spec.name} has no field {', '.join(fields)}.", _suggest(spec, same[0]["loc"])
    elif code == "missing_field":
        message, hint = f"{spec.name} needs {', '.join(fields)}.", f"Fields: {', '.join(members_of(spec.input))}."
    else:
        message = "; ".join(
            f"{path}: {f['msg'].removeprefix('Value error, ')}" for path, f in zip(fields, same, strict=True)
        )
        hint = "The tool's input schema gives the type of every field."
    return SkipassError(code, message, hint, details={"tool": spec.name, "fields": fields})


def _suggest(spec: ToolSpec, location: tuple[int | str, ...]) -> str:
    wrong = str(location[-1])
    members = members_of(spec.input) if len(location) == 1 else _inner_members(spec, location[0])
    synonym = _SYNONYMS.get(wrong)
    if synonym in members:
        return f"Did you mean {synonym}?"
    return _did_you_mean(wrong, members)


def _inner_members(spec: ToolSpec, member: object) -> list[str]:
    fields = [f for name, f in spec.input.model_fields.items() if (f.alias or name) == member]
    models = [m for f in fields for m in get_args(f.annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
    return [name for model in models for name in members_of(model)]


def _did_you_mean(wrong: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(wrong[:80], names, n=1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(names)}."


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(_short(str(part)) for part in location)


def _short(name: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in name[:60])
    return shown if len(name) <= 60 else f"{shown}…"
