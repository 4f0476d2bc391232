"""A data assistant with LangChain: `create_agent` and the gateway's tools."""

from __future__ import annotations

import sys
from typing import Any

from instructions import CONNECTION, IDENTIFIER, INSTRUCTIONS
from langchain.agents import create_agent

from skipass.langchain import get_tools


def answer(question: str, model: Any = "anthropic:claude-sonnet-4-6") -> str:
    """Return what the assistant says."""
    agent = create_agent(model, get_tools(CONNECTION, IDENTIFIER), system_prompt=INSTRUCTIONS)
    done = agent.invoke({"messages": [{"role": "user", "content": question}]})
    return str(done["messages"][-1].content)


if __name__ == "__main__":
    sys.stdout.write(answer(" ".join(sys.argv[1:])) + "\n")
