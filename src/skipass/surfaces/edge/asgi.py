"""The ASGI types the surfaces are written against; no framework is needed for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUEST_ID = "skipass.request_id"
"""The scope member under which the door leaves the request's id."""


def client_address(scope: Scope) -> str | None:
    """Return the address of the peer, as the server knows it; None where it does not."""
    client = scope.get("client")
    return str(client[0]) if client else None
