"""What a deployment says about MCP clients: how they may come, and how long their tokens live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

SCHEMES = ("cursor", "vscode", "vscode-insiders", "windsurf", "zed", "com.raycast", "warp")
"""Schemes that programs people use are known to register for themselves."""
ACCESS_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ClientRules:
    """`registration`: whether clients may register themselves. `documents`: whether a client may be its document.

    `document_hosts` narrows whose documents are fetched, empty for any public host. `schemes` are those of programs'
    own that a redirect may have. `access_life` is how long an access token is good.
    """

    registration: bool = True
    documents: bool = True
    document_hosts: tuple[str, ...] = ()
    schemes: tuple[str, ...] = SCHEMES
    access_life: timedelta = ACCESS_LIFE
