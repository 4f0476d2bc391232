"""Each framework's own agent loop, with a model that plays a script instead of thinking.

A script is a list of tool calls; the model makes them one a turn and then says `done`. What a loop returns is what the
model was told after each of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2

Call = tuple[str, dict[str, Any]]
Loop = Callable[[Sequence[Any], Sequence[Call]], Awaitable[list[str]]]


def langchain_model(script: Sequence[Call]) -> Any:
    """Return a model of LangChain."""
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    class Scripted(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **options: Any) -> Any:
            return self

    calls = [
        AIMessage("", tool_calls=[{"name": name, "args": given, "id": f"call_{at}"}])
        for at, (name, given) in enumerate(script)
    ]
    return Scripted(messages=iter([*calls, AIMessage("done")]))


async def langchain(tools: Sequence[Any], script: Sequence[Call]) -> list[str]:
    """`create_agent`, whose loop is a LangGraph graph."""
    from langchain.agents import create_agent
    from langchain_core.messages import ToolMessage

    agent = create_agent(langchain_model(script), list(tools))
    done = await agent.ainvoke({"messages": [{"role": "user", "content": "go"}]})
    assert done["messages"][-1].content == "done"
    return [message.content for message in done["messages"] if isinstance(message, ToolMessage)]


async def langchain_classic(tools: Sequence[Any], script: Sequence[Call]) -> list[str]:
    """The older executor, called from a thread as most of its users do."""
    from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

    prompt = ChatPromptTemplate.from_messages(
        [("system", "assist"), ("human", "{input}"), MessagesPlaceholder("agent_scratchpad")]
    )
    agent = create_tool_calling_agent(langchain_model(script), list(tools), prompt)
    executor = AgentExecutor(agent=agent, tools=list(tools), return_intermediate_steps=True, stream_runnable=False)
    done = await asyncio.to_thread(executor.invoke, {"input": "go"})
    assert done["output"] == "done"
    return [said for _, said in done["intermediate_steps"]]


def openai_model(script: Sequence[Call]) -> Any:
    """Return a model of the OpenAI Agents SDK."""
    from agents import Model, ModelResponse, Usage
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    turns = iter(enumerate(script))

    class Scripted(Model):
        async def get_response(self, *given: Any, **options: Any) -> ModelResponse:
            at, call = next(turns, (0, None))
            output: list[Any] = [_said(at, call)]
            return ModelResponse(output=output, usage=Usage(), response_id=None)

        def stream_response(self, *given: Any, **options: Any) -> Any:
            raise NotImplementedError

    def _said(at: int, call: Call | None) -> Any:
        if call is not None:
            name, arguments = call[0], json.dumps(call[1])
            return ResponseFunctionToolCall(type="function_call", name=name, arguments=arguments, call_id=f"call_{at}")
        text = ResponseOutputText(type="output_text", text="done", annotations=[])
        return ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])

    return Scripted()


async def openai_agents(tools: Sequence[Any], script: Sequence[Call]) -> list[str]:
    """`Runner.run`."""
    from agents import Agent, RunConfig, Runner, ToolCallOutputItem

    agent = Agent(name="assistant", instructions="assist", tools=list(tools), model=openai_model(script))
    done = await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
    assert done.final_output == "done"
    return [str(item.output) for item in done.new_items if isinstance(item, ToolCallOutputItem)]


def pydantic_model(script: Sequence[Call]) -> Any:
    """Return a model of Pydantic AI."""
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    turns = iter(script)

    def scripted(messages: Any, info: Any) -> ModelResponse:
        call = next(turns, None)
        return ModelResponse(parts=[ToolCallPart(*call) if call else TextPart("done")])

    return FunctionModel(scripted)


async def pydantic_ai(tools: Sequence[Any], script: Sequence[Call]) -> list[str]:
    """`Agent.run`."""
    from pydantic_ai import Agent
    from pydantic_ai.messages import ToolReturnPart

    done = await Agent(pydantic_model(script), tools=list(tools)).run("go")
    assert done.output == "done"
    parts = [part for message in done.all_messages() for part in message.parts]
    return [str(part.content) for part in parts if isinstance(part, ToolReturnPart)]


def anthropic_model(script: Sequence[Call], told: list[Any]) -> Any:
    """Return a client of Anthropic's SDK; what it is told of each tool is added to `told`."""
    from anthropic import Anthropic

    turns = iter(enumerate(script))

    def answered(request: httpx2.Request) -> httpx2.Response:
        last = json.loads(request.content)["messages"][-1]["content"]
        told.extend(block["content"] for block in last if isinstance(block, dict) and block["type"] == "tool_result")
        at, call = next(turns, (0, None))
        use = {"type": "tool_use", "id": f"toolu_{at}", "name": call[0], "input": call[1]} if call else None
        message = {
            "id": "msg",
            "type": "message",
            "role": "assistant",
            "model": "scripted",
            "content": [use or {"type": "text", "text": "done"}],
            "stop_reason": "tool_use" if use else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        return httpx2.Response(200, json=message)

    return Anthropic(api_key="none", http_client=httpx2.Client(transport=httpx2.MockTransport(answered)))


async def anthropic(tools: Sequence[Any], script: Sequence[Call]) -> list[str]:
    """The tool runner of the SDK's client, with the API's answers in place of the network."""
    told: list[Any] = []

    def work() -> str:
        with anthropic_model(script, told) as client:
            runner = client.beta.messages.tool_runner(
                model="scripted", max_tokens=100, tools=list(tools), messages=[{"role": "user", "content": "go"}]
            )
            return str(runner.until_done().content[0].text)

    assert await asyncio.to_thread(work) == "done"
    return [said if isinstance(said, str) else said[0]["text"] for said in told]


LOOPS: dict[str, tuple[str, Loop]] = {
    "langchain": ("skipass.langchain", langchain),
    "langchain-classic": ("skipass.langchain", langchain_classic),
    "openai-agents": ("skipass.openai_agents", openai_agents),
    "pydantic-ai": ("skipass.pydantic_ai", pydantic_ai),
    "anthropic": ("skipass.anthropic", anthropic),
}
