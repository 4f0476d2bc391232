"""The kinds of value a tool's input is made of, each with its check and its JSON Schema.

Source: bindings follow Snowflake's SQL API, https://docs.snowflake.com/en/developer-guide/sql-api/submitting-requests
(bind variables).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from skipass.errors import SkipassError
from skipass.nouns.scope import Access, Metadata, Scope, scope_from
from skipass.tools.choices import AnyFormat


def _printable(most: int) -> Callable[[str], str]:
    """Return the check of a name; its bound stays out of the schema, which each tool has whole."""

    def check(value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise ValueError("Input should be printable text that is not blank")
        if len(value) > most:
            raise ValueError(f"Input should have at most {most} characters")
        return value

    return check


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("Input should not be blank")
    return value


Text = Annotated[str, AfterValidator(_not_blank)]
Name = Annotated[str, AfterValidator(_printable(255))]
Handle = Annotated[str, AfterValidator(_printable(128))]
SessionId = Annotated[Handle | None, Field(description="Access session; leave it out when you have one open.")]
RequestId = Annotated[
    Handle | None, Field(description="Your own id of this call; the same again collects, and never runs it twice.")
]
Role = Annotated[Name | None, Field(description="Role; must be the session's.")]
Warehouse = Annotated[Name | None, Field(description="Warehouse; must be the session's if it names one.")]
AsText = Annotated[AnyFormat | None, Field(description="Layout of the text form; `data` has the rows anyway.")]


class BindType(StrEnum):
    """The types a bind value can be sent as."""

    FIXED = "FIXED"
    REAL = "REAL"
    DECFLOAT = "DECFLOAT"
    TEXT = "TEXT"
    BINARY = "BINARY"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP_NTZ = "TIMESTAMP_NTZ"
    TIMESTAMP_LTZ = "TIMESTAMP_LTZ"
    TIMESTAMP_TZ = "TIMESTAMP_TZ"


_BIND_TYPES = [kind.value for kind in BindType]
_BINDINGS_HINT = 'Example: {"1": {"type": "FIXED", "value": "42"}, "2": {"type": "TEXT", "value": "open"}}'


def _bindings(value: object) -> dict[str, dict[str, str | None]]:
    if not isinstance(value, Mapping):
        raise SkipassError("invalid_bindings", "bindings must be an object.", _BINDINGS_HINT)
    if set(value) != {str(position) for position in range(1, len(value) + 1)}:
        raise SkipassError("invalid_bindings", 'bindings must be keyed "1", "2", … without a gap.', _BINDINGS_HINT)
    return {position: _bind(position, value[position]) for position in value}


def _bind(position: str, bind: object) -> dict[str, str | None]:
    if not isinstance(bind, Mapping) or set(bind) != {"type", "value"}:
        raise SkipassError("invalid_bindings", f"Bind {position} must hold exactly type and value.", _BINDINGS_HINT)
    if bind["type"] not in _BIND_TYPES:
        raise SkipassError("invalid_bindings", f"Bind {position}: type must be one of {', '.join(_BIND_TYPES)}.")
    if bind["value"] is not None and not isinstance(bind["value"], str):
        raise SkipassError("invalid_bindings", f"Bind {position}: value must be a string or null.", _BINDINGS_HINT)
    return {"type": bind["type"], "value": bind["value"]}


Bindings = Annotated[
    dict[str, dict[str, str | None]],
    PlainValidator(_bindings),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": _BIND_TYPES},
                    "value": {"type": ["string", "null"]},
                },
                "required": ["type", "value"],
                "additionalProperties": False,
            },
        }
    ),
]

ScopeValue = Annotated[
    Scope,
    PlainValidator(scope_from),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "schemas": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "description": "Schemas to reach, each as DATABASE.SCHEMA.",
                },
                "tables": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Narrows the schemas to these tables, each as DATABASE.SCHEMA.TABLE.",
                },
                "functions": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "User-defined functions that may be called, each as DATABASE.SCHEMA.FUNCTION.",
                },
                "metadata": {
                    "type": "string",
                    "enum": [level.value for level in Metadata],
                    "default": Metadata.SCHEMA.value,
                    "description": "How far SHOW, DESCRIBE and INFORMATION_SCHEMA may look.",
                },
                "access": {
                    "type": "string",
                    "enum": [access.value for access in Access],
                    "default": Access.READ.value,
                    "description": "read: a write waits for a person. write: a person decides on the session first.",
                },
                "role": {"type": "string", "description": "Snowflake role; leave out for the connection's default."},
                "warehouse": {"type": "string", "description": "Warehouse; leave out for the connection's default."},
            },
            "required": ["schemas"],
            "additionalProperties": False,
        }
    ),
]
