"""The conformance suite's prompts, completions and switches: skipass has none, so they are further methods in tests."""

from __future__ import annotations

from typing import Any

from skipass.surfaces.mcp.exchange import Exchange, Further, Method
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, Fault
from skipass.surfaces.mcp.revisions import Era
from surfaces.mcp.asking import CONTEXT, call, rounds
from surfaces.mcp.everything import IMAGE, embedded, text

ARGUMENTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


async def list_prompts(exchange: Exchange) -> dict[str, Any]:
    def argument(name: str) -> dict[str, Any]:
        return {"name": name, "description": "An argument.", "required": True}

    return {
        "prompts": [
            {"name": name, "description": "A prompt.", "arguments": [argument(one) for one in arguments]}
            for name, arguments in ARGUMENTS.items()
        ]
    }


async def get_prompt(exchange: Exchange) -> dict[str, Any]:
    given = exchange.params.get("arguments") or {}
    match exchange.params.get("name"):
        case "test_simple_prompt":
            said = [text("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            said = [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
        case "test_prompt_with_embedded_resource":
            resource = embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
            said = [resource, text("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            said = [IMAGE, text("Please analyze the image above.")]
        case "test_input_required_result_prompt":
            asked = await rounds(CONTEXT)(exchange)
            return {name: value for name, value in asked.items() if name != "content"}
        case _:
            raise Fault(INVALID_PARAMS, "There is no such prompt.")
    return {"messages": [{"role": "user", "content": content} for content in said]}


async def complete(exchange: Exchange) -> dict[str, Any]:
    return {"completion": {"values": ["test"], "total": 1, "hasMore": False}}


async def nothing(exchange: Exchange) -> dict[str, Any]:
    return {}


_BOTH: dict[str, Method] = {
    "tools/call": call,
    "prompts/list": list_prompts,
    "prompts/get": get_prompt,
    "completion/complete": complete,
}
_SWITCHES: dict[str, Method] = {
    "logging/setLevel": nothing,
    "resources/subscribe": nothing,
    "resources/unsubscribe": nothing,
}
FURTHER = Further({"prompts": {}, "completions": {}}, {Era.MODERN: _BOTH, Era.LEGACY: {**_BOTH, **_SWITCHES}})
