"""The tools for Anthropic's SDK."""

from skipass.sdk.adapters.anthropic import *  # noqa: F403 - the adapter's own `__all__`
