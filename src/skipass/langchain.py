"""The tools for LangChain and LangGraph."""

from skipass.sdk.adapters.langchain import *  # noqa: F403 - the adapter's own `__all__`
