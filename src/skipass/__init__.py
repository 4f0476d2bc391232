"""skipass: a gateway between AI agents and Snowflake. `Skipass` and `AsyncSkipass` are its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skipass.sdk import AsyncSkipass as AsyncSkipass
    from skipass.sdk import Skipass as Skipass

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # At the first use: every part of skipass imports this module, and few need the client.
    if name in ("AsyncSkipass", "Skipass"):
        from skipass import sdk

        return getattr(sdk, name)
    raise AttributeError(f"module 'skipass' has no attribute {name!r}")
