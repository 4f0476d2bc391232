"""A data assistant with Pydantic AI."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from instructions import CONNECTION, IDENTIFIER, INSTRUCTIONS
from pydantic_ai import Agent

from skipass.pydantic_ai import get_tools


def answer(question: str, model: Any = "anthropic:claude-sonnet-4-6") -> str:
    """Return what the assistant says."""
    agent = Agent(model, instructions=INSTRUCTIONS, tools=get_tools(CONNECTION, IDENTIFIER))
    return str(asyncio.run(agent.run(question)).output)


if __name__ == "__main__":
    sys.stdout.write(answer(" ".join(sys.argv[1:])) + "\n")
