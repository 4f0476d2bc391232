"""From pydantic's findings to the one error the caller can act on.

Names of fields appear, what was sent in them never does: a body may hold a private key or a statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from skipass.errors import SkipassError

_CODES = MappingProxyType({"extra_forbidden": "unknown_field", "missing": "missing_field"})
_PLACES = frozenset({"body", "query", "path", "header"})
_MOST = 10


def fault_from(findings: Sequence[Mapping[str, Any]]) -> SkipassError:
    """Return `unknown_field`, `missing_field` or `invalid_request`, weightiest first; with `details.fields`."""
    codes = [_CODES.get(one["type"], "invalid_request") for one in findings]
    code = next(c for c in (*_CODES.values(), "invalid_request") if c in codes)
    same = [one for one, its in zip(findings, codes, strict=True) if its == code][:_MOST]
    fields = [_path(one["loc"]) for one in same]
    return SkipassError(code, _message(code, fields, same), _HINTS[code], details={"fields": fields})


def unknown_fields(names: Sequence[str]) -> SkipassError:
    """Return the error for members or query parameters that do not exist."""
    return fault_from([{"type": "extra_forbidden", "loc": (name,), "msg": ""} for name in names])


_HINTS = MappingProxyType(
    {
        "unknown_field": "The fields of every route are in /api/v1/openapi.json.",
        "missing_field": "The fields of every route are in /api/v1/openapi.json.",
        "invalid_request": "The type and limits of every field are in /api/v1/openapi.json.",
    }
)


def _message(code: str, fields: Sequence[str], findings: Sequence[Mapping[str, Any]]) -> str:
    if code == "unknown_field":
        return f"There is no field {', '.join(fields)} here."
    if code == "missing_field":
        return f"Missing: {', '.join(fields)}."
    said = (str(one["msg"]).removeprefix("Value error, ") for one in findings)
    return "; ".join(f"{field}: {what}" for field, what in zip(fields, said, strict=True))


def _path(location: Sequence[int | str]) -> str:
    inner = location[1:] if len(location) > 1 and location[0] in _PLACES else location
    return ".".join(_short(str(part)) for part in inner)


def _short(name: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in name[:60])
    return shown if len(name) <= 60 else f"{shown}…"
