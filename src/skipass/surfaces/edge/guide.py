"""The way to a token, as a challenge tells it: which address a slug is for tokens, and where its metadata is.

Source: RFC 9728 §3.1 (the well-known part comes before the path) and §5.1
"""

from __future__ import annotations

from dataclasses import dataclass

RESOURCE_METADATA = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Guide:
    """`base_url` is where the gateway is reached, `scope` what a client should ask for first."""

    base_url: str
    scope: str

    def resource(self, slug: str) -> str:
        """Return the address that tokens for this slug are for."""
        return f"{self.base_url}/{slug}/mcp"

    def metadata(self, slug: str) -> str:
        """Return where the slug says how to get one."""
        return f"{self.base_url}{RESOURCE_METADATA}/{slug}/mcp"
