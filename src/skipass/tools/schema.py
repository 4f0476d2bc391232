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
            "poll_after_ms": {"type": "integer", "description": "Wait this long before asking again."},
            "approval": {"type": "object", "description": "What waits for a person: id, url, expires_at."},
            "request": {"type": "object", "description": "The smallest request that would make the call possible."},
            "url": {"type": "string", "description": "A link for the user to open."},
            "code": {"type": "string", "description": "Stable name of what went wrong."},
            "message": {"type": "string"},
            "hint": {"type": "string", "description": "What to do about it."},
            "reasons": {"type": "array", "description": "Each reason the statement was held or refused for."},
        },
        "required": ["status", "execution_id", "session_id", "data"],
        "additionalProperties": True,
    }


RESULT_DATA: dict[str, Any] = {
    "description": "Snowflake's own body: column types, and rows as arrays of text.",
    "properties": {
        "statementHandle": {"type": "string"},
        "resultSetMetaData": {"type": "object"},
        "data": {"type": "array", "items": {"type": "array"}},
    },
}
SESSION_DATA: dict[str, Any] = {"description": "The access session: id, state, scope, expires_at, budgets."}
