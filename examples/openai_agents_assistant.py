"""A data assistant with the OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from agents import Agent, Runner
from instructions import CONNECTION, IDENTIFIER, INSTRUCTIONS

from skipass.openai_agents import get_tools


def answer(question: str, model: Any = None) -> str:
    """Return what the assistant says; without a model the SDK's own default."""
    tools = get_tools(CONNECTION, IDENTIFIER)
    agent = Agent(name="data assistant", instructions=INSTRUCTIONS, tools=tools, model=model)
    return str(asyncio.run(Runner.run(agent, question)).final_output)


if __name__ == "__main__":
    sys.stdout.write(answer(" ".join(sys.argv[1:])) + "\n")
