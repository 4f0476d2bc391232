"""A data assistant with Anthropic's tool runner."""

from __future__ import annotations

import sys

from anthropic import Anthropic
from instructions import CONNECTION, IDENTIFIER, INSTRUCTIONS

from skipass.anthropic import get_tools


def answer(question: str, model: Anthropic | None = None) -> str:
    """Return what the assistant says."""
    runner = (model or Anthropic()).beta.messages.tool_runner(
        model="claude-sonnet-4-6",
        max_tokens=4096,
        system=INSTRUCTIONS,
        tools=get_tools(CONNECTION, IDENTIFIER),
        messages=[{"role": "user", "content": question}],
    )
    return "".join(block.text for block in runner.until_done().content if block.type == "text")


if __name__ == "__main__":
    sys.stdout.write(answer(" ".join(sys.argv[1:])) + "\n")
