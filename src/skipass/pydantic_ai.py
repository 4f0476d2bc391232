"""The tools for Pydantic AI."""

from skipass.sdk.adapters.pydantic_ai import *  # noqa: F403 - the adapter's own `__all__`
