"""The conformance suite's tools that ask the client something, and what it answers.

skipass has none of these: a server of the handshake era asks by requests on the stream of the call, and `Asking` takes
the answers out of the posts that come in; a stateless one asks by its result.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from skipass.surfaces.mcp import tool_methods
from skipass.surfaces.mcp.exchange import Exchange
from skipass.surfaces.mcp.jsonrpc import INVALID_PARAMS, Fault
from skipass.surfaces.mcp.revisions import META_CAPABILITIES, Era, meta_of
from surfaces.mcp.fake import AUTH

WAITING: dict[str, asyncio.Future[Any]] = {}
KEY = b"the suite's own"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"


class Asking:
    """Sends the credential the suite cannot send, and hands the answers it posts to whoever asked."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["headers"] = [*scope["headers"], *((name.encode(), value.encode()) for name, value in AUTH.items())]
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if self._answers(body):
            await send({"type": "http.response.start", "status": 202, "headers": []})
            await send({"type": "http.response.body"})
            return
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return pending.pop() if pending else await receive()

        await self._app(scope, again, send)

    def _answers(self, body: bytes) -> bool:
        value = json.loads(body)
        asked = WAITING.pop(str(value.get("id")), None) if isinstance(value, dict) and "method" not in value else None
        if asked is not None:
            asked.set_result(value.get("result"))
        return asked is not None


async def ask(exchange: Exchange, method: str, params: Mapping[str, Any]) -> Any:
    asked = str(uuid.uuid4())
    WAITING[asked] = asyncio.get_running_loop().create_future()
    exchange.line.send({"jsonrpc": "2.0", "id": asked, "method": method, "params": dict(params)})
    return await WAITING[asked]


def said(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


def form(message: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return {"message": message, "requestedSchema": schema}


STRING = {"type": "string"}
OPTIONS = ["option1", "option2", "option3"]
TITLED = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second"), 1)]
DEFAULTS = {
    "name": STRING | {"default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": STRING | {"enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
ENUMS = {
    "untitledSingle": STRING | {"enum": OPTIONS},
    "titledSingle": STRING | {"oneOf": TITLED},
    "legacyEnum": STRING | {"enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": STRING | {"enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}


async def sampling(exchange: Exchange) -> dict[str, Any]:
    words = {"type": "text", "text": exchange.params["arguments"]["prompt"]}
    answer = await ask(
        exchange, "sampling/createMessage", {"messages": [{"role": "user", "content": words}], "maxTokens": 100}
    )
    return said(f"LLM response: {answer['content']['text']}")


def eliciting(properties: Mapping[str, Any]) -> Callable[[Exchange], Coroutine[Any, Any, dict[str, Any]]]:
    async def elicit(exchange: Exchange) -> dict[str, Any]:
        message = (exchange.params.get("arguments") or {}).get("message", "Please fill this in.")
        return said(json.dumps(await ask(exchange, "elicitation/create", form(message, properties))))

    return elicit


async def logging(exchange: Exchange) -> dict[str, Any]:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        exchange.line.tell("notifications/message", {"level": "info", "data": words})
    return said("Done.")


def confirmation(message: str, key: str = "confirm", field: str = "ok") -> dict[str, Any]:
    kind = {"type": "boolean"} if field == "ok" else STRING
    return {key: {"method": "elicitation/create", "params": form(message, {field: kind})}}


NAME = confirmation("What is your name?", "user_name", "name")
ROOTS = {"client_roots": {"method": "roots/list", "params": {}}}
CONTEXT = confirmation("What context should the prompt use?", "user_context", "context")


def sample(key: str, words: str) -> dict[str, Any]:
    content = {"type": "text", "text": words}
    params = {"messages": [{"role": "user", "content": content}], "maxTokens": 100}
    return {key: {"method": "sampling/createMessage", "params": params}}


def signed(state: str) -> str:
    return f"{state}.{hmac.new(KEY, state.encode(), hashlib.sha256).hexdigest()}"


def rounds(*asked: Mapping[str, Any], state: bool = False) -> Callable[[Exchange], Coroutine[Any, Any, dict[str, Any]]]:
    """Return a method that asks each of `asked` in turn, and answers once the last is answered."""

    async def method(exchange: Exchange) -> dict[str, Any]:
        given = exchange.params.get("requestState")
        at = next((n for n in range(len(asked)) if given == signed(str(n))), 0 if given is None else None)
        if at is None:
            raise Fault(INVALID_PARAMS, "The requestState was changed.")
        if answered(exchange, asked[at]):
            at += 1
        if at == len(asked):
            return said("state-ok") | {"messages": [{"role": "user", "content": said("state-ok")["content"][0]}]}
        sealed = {"requestState": signed(str(at))} if state else {}
        return {"resultType": "input_required", "inputRequests": dict(asked[at]), **sealed}

    return method


def answered(exchange: Exchange, asked: Mapping[str, Any]) -> bool:
    responses = exchange.params.get("inputResponses")
    if not isinstance(responses, dict):
        return False
    return all(isinstance(responses.get(key), dict) for key in asked)


async def capable(exchange: Exchange) -> dict[str, Any]:
    declared = meta_of(exchange.params)[META_CAPABILITIES]
    asked = (sample("joke", "A joke, please") if "sampling" in declared else {}) | (
        NAME if "elicitation" in declared else {}
    )
    return {"resultType": "input_required", "inputRequests": asked}


ALL = {**NAME, **sample("greeting", "Generate a greeting"), **ROOTS}
STEPS = (
    confirmation("Step 1: What is your name?", "step1", "name"),
    confirmation("Step 2: What is your favorite color?", "step2", "color"),
)
_ASKED = "test_input_required_result_"
LEGACY = {
    "test_tool_with_logging": logging,
    "test_sampling": sampling,
    "test_elicitation": eliciting({"username": STRING, "email": STRING}),
    "test_elicitation_sep1034_defaults": eliciting(DEFAULTS),
    "test_elicitation_sep1330_enums": eliciting(ENUMS),
}
MODERN = {
    f"{_ASKED}elicitation": rounds(NAME),
    f"{_ASKED}sampling": rounds(sample("capital_question", "What is the capital of France?")),
    f"{_ASKED}list_roots": rounds(ROOTS),
    f"{_ASKED}request_state": rounds(confirmation("Please confirm"), state=True),
    f"{_ASKED}multiple_inputs": rounds(ALL, state=True),
    f"{_ASKED}multi_round": rounds(*STEPS, state=True),
    f"{_ASKED}tampered_state": rounds(confirmation("Please confirm"), state=True),
    f"{_ASKED}capabilities": capable,
    "test_streaming_elicitation": rounds(NAME),
}
TOOLS = (*LEGACY, *MODERN)


async def call(exchange: Exchange) -> dict[str, Any]:
    """Answer for the tools that ask, and leave every other one to our own method."""
    asking = (LEGACY if exchange.era is Era.LEGACY else MODERN).get(str(exchange.params.get("name")))
    return await (asking or tool_methods.call_tool)(exchange)
