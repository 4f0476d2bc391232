"""What this surface needs of the gateway, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.tools.call import CallContext, WaitingCall
from skipass.tools.catalogue import ToolSpec


class McpServer(Protocol):
    """What a client is told about the server behind a slug."""

    @property
    def slug(self) -> str:
        """The slug, as in the URL."""
        ...

    @property
    def title(self) -> str:
        """A name for people."""
        ...

    @property
    def instructions(self) -> str:
        """What a model should know before its first call; may be empty."""
        ...


class ToolBackend(Protocol):
    """The gateway as this surface sees it; each method raises `SkipassError`."""

    async def server(self, principal: Principal, slug: str) -> McpServer:
        """Return the server behind a slug, or raise `not_found` when there is none for this caller."""
        ...

    async def list_tools(self, principal: Principal, slug: str) -> Sequence[ToolSpec]:
        """Return the tools this caller may use, in a fixed order."""
        ...

    async def call_tool(
        self, principal: Principal, slug: str, name: str, arguments: Mapping[str, Any], call: CallContext
    ) -> Envelope:
        """Run one tool call to an answer, recording it.

        A cancelled task means that the client withdrew the call before it was answered. Raises `unknown_tool` for a
        name not on the list; every other failure is shown to the model.
        """
        ...

    async def record_refusal(self, principal: Principal, slug: str, error: SkipassError, call: CallContext) -> None:
        """Record a request that was refused before it became a tool call, such as malformed JSON."""
        ...


class WaitingCalls(Protocol):
    """Calls that wait for their user to connect an account, over two requests of one client."""

    def seal(self, principal: Principal, waiting: WaitingCall, role: str | None) -> str:
        """Return what the client carries to the retry of a call that waits for an account of a role."""
        ...

    def check(self, principal: Principal, waiting: WaitingCall, state: str) -> str | None:
        """Return the role a state was sealed with, or raise `invalid_request_state` where it is not of this call."""
        ...

    async def connected(self, principal: Principal, slug: str, role: str | None, wait_s: float) -> None:
        """Return once there is an account for a role, or after `wait_s` seconds."""
        ...
