"""What the conformance suite expects a server to hold: its tools and resources, behind our own ports.

The words and names are the suite's; the tools that ask the client something are in `asking`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Principal
from skipass.surfaces.mcp.jsonrpc import Fault
from skipass.tools.call import CallContext
from surfaces.mcp.asking import TOOLS as ASKING
from surfaces.mcp.fake import OpsServer

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}
NOTHING: dict[str, Any] = {"type": "object"}
SCHEMA_2020 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
REGION = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def embedded(uri: str, mime_type: str, words: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": words}}


CONTENT: Mapping[str, tuple[dict[str, Any], ...]] = {
    "test_simple_text": (text("This is a simple text response for testing."),),
    "test_image_content": (IMAGE,),
    "test_audio_content": ({"type": "audio", "data": WAV, "mimeType": "audio/wav"},),
    "test_embedded_resource": (
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    ),
    "test_multiple_content_types": (
        text("Multiple content types test:"),
        IMAGE,
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_error_handling": (text("This tool intentionally returns an error for testing"),),
    "test_tool_with_progress": (text("Done."),),
    "test_logging_tool": (text("Done."),),
    "test_missing_capability": (text("Never reached."),),
    "json_schema_2020_12_tool": (text("Done."),),
    "test_header_tool": (text("Done."),),
}
SCHEMAS = {"json_schema_2020_12_tool": SCHEMA_2020, "test_header_tool": REGION}
RESOURCES = {
    "test://static-text": {
        "mimeType": "text/plain",
        "text": "This is the content of the static text resource.",
    },
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
}
TEMPLATE = "test://template/{id}/data"


class Everything:
    """Satisfies the ports for tools and for resources."""

    async def server(self, principal: Principal, slug: str) -> OpsServer:
        return OpsServer()

    async def list_tools(self, principal: Principal, slug: str) -> Sequence[Mapping[str, Any]]:
        return [
            {"name": name, "description": f"The suite's {name}.", "inputSchema": SCHEMAS.get(name, NOTHING)}
            for name in (*CONTENT, *ASKING)
        ]

    async def input_schema(self, principal: Principal, slug: str, name: str) -> Mapping[str, Any] | None:
        return SCHEMAS.get(name, NOTHING)

    async def call_tool(
        self, principal: Principal, slug: str, name: str, arguments: Mapping[str, Any], call: CallContext
    ) -> Envelope:
        if name not in CONTENT:
            raise SkipassError("unknown_tool")
        if name == "test_missing_capability":
            data = {"requiredCapabilities": {"sampling": {}}}
            raise Fault(-32021, "The client has to declare sampling.", data=data)
        if name == "test_tool_with_progress":
            for done in (0.0, 50.0, 100.0):
                call.report(done, 100.0, "")
        status = Status.FAILED if name == "test_error_handling" else Status.SUCCESS
        return Envelope(status, call.request_id, content=CONTENT[name])

    async def record_refusal(self, principal: Principal, slug: str, error: SkipassError, call: CallContext) -> None:
        """Nothing is recorded."""

    async def list_resources(
        self, principal: Principal, slug: str, cursor: str | None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        listed = [
            {"uri": uri, "name": uri.removeprefix("test://"), "description": "A resource.", "mimeType": one["mimeType"]}
            for uri, one in RESOURCES.items()
        ]
        return listed, None

    async def list_templates(self, principal: Principal, slug: str) -> Sequence[Mapping[str, Any]]:
        return [{"uriTemplate": TEMPLATE, "name": "template", "description": "A template.", "mimeType": "text/plain"}]

    async def read_resource(
        self, principal: Principal, slug: str, uri: str, call: CallContext
    ) -> Sequence[Mapping[str, Any]]:
        if uri in RESOURCES:
            return [{"uri": uri, **RESOURCES[uri]}]
        found = re.fullmatch(r"test://template/([^/]+)/data", uri)
        if found is None:
            raise SkipassError("not_found", "There is no such resource.")
        words = json.dumps({"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"})
        return [{"uri": uri, "mimeType": "application/json", "text": words}]
