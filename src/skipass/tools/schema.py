"""JSON Schemas a model reads: inlined, without the noise that a generator leaves behind.

Dialect: JSON Schema 2020-12, root `"type": "object"` (MCP 2026-07-28, Tools).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from skipass.nouns.envelope import Status


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


def envelope_schema(data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the envelope around a tool's `data`."""
    return {
        "type": "object",
        "properties": {
            "status": {
                "type": "string",
                "enum": [status.value for status in Status],
                "description": "What happened to the call.",
            },
            "execution_id": {"type": "string", "description": "Id of this statement or call in the record."},
            "session_id": {"type": ["string", "null"], "description": "The access session it ran under."},
            "data": {"type": ["object", "null"], **data},
            "statementHandle": {"type": "string", "description": "Ask for the status, the rows or a cancel by it."},
            "partition": {"type": "integer", "minimum": 0, "description": "Which partition of the rows this is."},
            "partitions": {"type": "integer", "minimum": 1, "description": "How many partitions there are."},
            "poll_after_ms": {"type": "integer", "description": "Wait this long before asking again."},
            "approval": {"type": "object", "description": "What waits for a person: id, url, expires_at."},
            "request": {"type": "object", "description": "The smallest request that would make the call possible."},
            "url": {"type": "string", "description": "A link for the user to open."},
            "code": {"type": "string", "description": "Stable name of what went wrong."},
            "message": {"type": ["string", "null"]},
            "hint": {"type": "string", "description": "What to do about it."},
            "retryable": {"type": "boolean", "description": "Whether the same call may do better later."},
            "reasons": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Each reason the statement was held or refused for.",
            },
            "warehouses": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The warehouses that could be named.",
            },
            "parts": {"type": "array", "items": {"type": "string"}, "description": "The statements found in one text."},
            "format": {"type": "string", "description": "How the text form of the rows is laid out."},
            "from_row": {"type": "integer", "minimum": 0, "description": "The first row of the text form."},
        },
        "required": ["status", "execution_id", "session_id", "data"],
        "additionalProperties": True,
    }


def rows_schema(columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an envelope around rows that have at least these columns, in no promised order."""
    told = f" Columns to rely on, by name: {', '.join(columns)}." if columns else ""
    return envelope_schema({**RESULT_DATA, "description": f"{RESULT_DATA['description']}{told}"})


_CELL: dict[str, Any] = {"type": ["string", "null"]}
_COLUMN: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "type": {"type": "string"}, "nullable": {"type": "boolean"}},
    "required": ["name", "type"],
}
_PARTITION: dict[str, Any] = {
    "type": "object",
    "properties": {"rowCount": {"type": "integer"}, "uncompressedSize": {"type": "integer"}},
    "required": ["rowCount"],
}
RESULT_DATA: dict[str, Any] = {
    "description": "Snowflake's own body: column types, and rows as arrays of text.",
    "properties": {
        "statementHandle": {"type": "string"},
        "partition": {"type": "integer"},
        "resultSetMetaData": {
            "type": "object",
            "properties": {
                "numRows": {"type": "integer"},
                "rowType": {"type": "array", "items": _COLUMN},
                "partitionInfo": {"type": "array", "items": _PARTITION},
            },
        },
        "data": {"type": "array", "items": {"type": "array", "items": _CELL}},
    },
}
SESSION_DATA: dict[str, Any] = {
    "description": "The access session: id, state, scope, expires_at, budgets.",
    "properties": {
        "id": {"type": "string"},
        "state": {"type": "string"},
        "scope": {"type": "object"},
        "expires_at": {"type": ["string", "null"], "format": "date-time"},
        "budgets_left": {"type": "object"},
    },
}
