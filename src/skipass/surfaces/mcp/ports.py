"""What this surface needs of the gateway, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope
from skipass.nouns.principal import Principal
from skipass.tools.call import CallContext, WaitingCall


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

    async def list_tools(self, principal: Principal, slug: str) -> Sequence[Mapping[str, Any]]:
        """Return the tools this caller may use as `tools/list` shows them, in a fixed order."""
        ...

    async def input_schema(self, principal: Principal, slug: str, name: str) -> Mapping[str, Any] | None:
        """Return the input schema of one tool as it is listed, None where there is no such tool; asked at each call."""
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


class ResourceBackend(Protocol):
    """What can be read besides calling tools; each method raises `SkipassError`, `not_found` for what is not there."""

    async def list_resources(
        self, principal: Principal, slug: str, cursor: str | None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """Return one page of resources as `resources/list` shows them, and the cursor of the next, None at the end.

        Raises `invalid_request` for a cursor that was not given out.
        """
        ...

    async def list_templates(self, principal: Principal, slug: str) -> Sequence[Mapping[str, Any]]:
        """Return every template as `resources/templates/list` shows it."""
        ...

    async def read_resource(
        self, principal: Principal, slug: str, uri: str, call: CallContext
    ) -> Sequence[Mapping[str, Any]]:
        """Return the contents of a resource as `resources/read` shows them, recording the call."""
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
