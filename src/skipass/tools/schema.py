"""JSON Schemas a model reads: inlined, without the noise that a generator leaves behind.

Dialect: JSON Schema 2020-12, root `"type": "object"` (MCP 2026-07-28, Tools).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from skipass.nouns.envelope import Status
from skipass.tools.inputs import members_of


class _ForModels(GenerateJsonSchema):
    """Leaves out titles, and says of an optional member only what it is when present."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a tool's input: one object without references."""
    schema = model.model_json_schema(schema_generator=_ForModels)
    definitions = schema.pop("$defs", {})
    properties = schema["properties"]
    schema["properties"] = {name: properties[name] for name in members_of(model)}
    inlined: dict[str, Any] = _inline(schema, definitions)
    return {name: value for name, value in inlined.items() if name not in ("title", "description")}


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        node = {k: v for k, v in target.items() if k != "title"} | {k: v for k, v in node.items() if k != "$ref"}
    return {name: _inline(value, definitions) for name, value in node.items()}


def envelope_schema(data: dict[str, Any], *further: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the envelope around a tool's `data`, with the members that such a tool's answers add.

    Short on purpose: each tool has it whole, and a model reads it before its first call. Answers may hold more members.
    """
    members = {**_CALL, "data": {"type": ["object", "null"], **data}, **_OUTCOME}
    for more in further:
        members |= more
    required = ["status", "execution_id", "session_id", "data"]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": True}


def rows_schema(columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an envelope around rows that have at least these columns, in no promised order."""
    told = f" Columns, by name: {', '.join(columns)}." if columns else ""
    data = {"description": f"{RESULT_DATA['description']}{told}", "properties": _ROWS}
    return envelope_schema(data, OF_STATEMENT)


_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_OBJECT: dict[str, Any] = {"type": "object"}
_CALL: dict[str, Any] = {
    "status": {"type": "string", "enum": [status.value for status in Status]},
    "execution_id": {"type": "string", "description": "Names the call in the record."},
    "session_id": {"type": ["string", "null"]},
}
_OUTCOME: dict[str, Any] = {
    "code": {"type": "string", "description": "What went wrong; stable."},
    "message": {"type": ["string", "null"]},
    "hint": {"type": "string", "description": "What to do next."},
    "retryable": {"type": "boolean"},
    "poll_after_ms": _NUMBER,
    "approval": {"type": "object", "description": "What a person decides: id, url, expires_at."},
    "request": {"type": "object", "description": "The smallest session that would do; pass it on."},
    "url": {"type": "string", "description": "A link for the user to open."},
}
OF_STATEMENT: dict[str, Any] = {
    "statementHandle": {"type": "string", "description": "For status, partitions and cancel."},
    "reasons": {"type": "array", "items": _OBJECT, "description": "Why it was held or refused."},
}
OF_TEXT: dict[str, Any] = {
    "parts": {"type": "array", "items": _TEXT, "description": "The statements found in one text."},
    "warehouses": {"type": "array", "items": _TEXT, "description": "Those that could be named."},
}
OF_PARTITION: dict[str, Any] = {
    "partition": {"type": "integer", "minimum": 0},
    "partitions": {"type": "integer", "minimum": 1, "description": "How many there are."},
    "from_row": {"type": "integer", "minimum": 0, "description": "The first row of the text form."},
}
_CELL: dict[str, Any] = {"type": ["string", "null"]}
_COLUMN: dict[str, Any] = {
    "type": "object",
    "properties": {"name": _TEXT, "type": _TEXT, "nullable": {"type": "boolean"}},
    "required": ["name", "type"],
}
_PARTITION: dict[str, Any] = {"type": "object", "properties": {"rowCount": _NUMBER, "uncompressedSize": _NUMBER}}
_ROWS: dict[str, Any] = {
    "resultSetMetaData": _OBJECT,
    "data": {"type": "array", "items": {"type": "array", "items": _CELL}},
}
RESULT_DATA: dict[str, Any] = {
    "description": "Snowflake's own body; rows are arrays of text.",
    "properties": {
        **_ROWS,
        "resultSetMetaData": {
            "type": "object",
            "properties": {
                "numRows": _NUMBER,
                "rowType": {"type": "array", "items": _COLUMN},
                "partitionInfo": {"type": "array", "items": _PARTITION},
            },
        },
    },
}
SESSION_DATA: dict[str, Any] = {
    "description": "The access session.",
    "properties": {
        "id": _TEXT,
        "state": _TEXT,
        "scope": _OBJECT,
        "expires_at": {"type": ["string", "null"], "format": "date-time"},
        "budgets_left": _OBJECT,
    },
}
