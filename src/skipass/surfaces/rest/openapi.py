"""The OpenAPI document: what the framework knows of its routes, with the hot route, our errors and the bearer added.

Source: OpenAPI 3.1.0.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from skipass import __version__
from skipass.surfaces.rest import bodies, shapes

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_FRAMEWORK_ONLY = ("HTTPValidationError", "ValidationError")
_EXECUTE = "/api/v1/tools/{tool_name}/execute"


def document(rest: FastAPI) -> Json:
    """Return the whole document; made once an app."""
    if rest.openapi_schema is None:
        rest.openapi_schema = _completed(rest.openapi())
    return rest.openapi_schema


def _completed(drawn: Json) -> Json:
    schemas = drawn["components"]["schemas"]
    for name in _FRAMEWORK_ONLY:
        schemas.pop(name, None)
    for model in (shapes.Error, bodies.Execute, shapes.Envelope):
        _add(schemas, model)
    drawn["paths"][_EXECUTE] = {"post": _execute()}
    for path in list(drawn["paths"]):
        for operation in drawn["paths"][path].values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _answer("A refusal.", "Error")
    drawn["info"] = {
        "title": "skipass",
        "version": __version__,
        "summary": "A gateway between AI agents and Snowflake.",
    }
    drawn["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    drawn["security"] = [{"bearer": []}]
    return drawn


def _add(schemas: Json, model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=_REF)
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema


def _answer(description: str, model: str) -> Json:
    content = {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}
    return {"description": description, "content": content}


def _execute() -> Json:
    body = {"application/json": {"schema": {"$ref": _REF.format(model="Execute")}}}
    return {
        "tags": ["tools"],
        "summary": "Run a tool",
        "description": "Run one tool call; refusals of the gateway are envelopes too, with status 200.",
        "operationId": "execute_tool",
        "parameters": [
            _parameter("tool_name", "path", "Name of the tool.", required=True),
            _parameter("Idempotency-Key", "header", "Sent again, it collects the same statement's outcome."),
            _parameter("Skipass-Identifier", "header", "The user acted for; the same as `identifier` in the body."),
        ],
        "requestBody": {"required": True, "content": body},
        "responses": {"200": _answer("The envelope.", "Envelope")},
    }


def _parameter(name: str, place: str, description: str, *, required: bool = False) -> Json:
    return {
        "name": name,
        "in": place,
        "description": description,
        "required": required,
        "schema": {"type": "string"},
    }
