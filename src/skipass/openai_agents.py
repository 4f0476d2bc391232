"""The tools for the OpenAI Agents SDK."""

from skipass.sdk.adapters.openai_agents import *  # noqa: F403 - the adapter's own `__all__`
