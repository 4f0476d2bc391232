"""What every adapter hands to its framework: a tool bound to a user and a connection; it answers and never raises."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from skipass.errors import SkipassError
from skipass.sdk.adapters.text import text_of
from skipass.sdk.answer import ToolAnswer
from skipass.sdk.blocking import Skipass
from skipass.sdk.catalogue import Tool
from skipass.sdk.codes import NotYourUser


@dataclass(frozen=True, slots=True)
class BoundTool:
    """One tool, called for `identifier` on `connection_name`, in the session `session_id` where one is given."""

    client: Skipass
    tool: Tool
    connection_name: str | None
    identifier: str | None
    session_id: str | None

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.tool.name

    @property
    def description(self) -> str:
        """What the model is told of it."""
        return self.tool.description

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its input."""
        return dict(self.tool.input_schema)

    def __call__(self, arguments: Mapping[str, Any]) -> str:
        """Return the answer as text for the model; a refusal or a failure is an answer too."""
        try:
            answer = self.client.actions.execute_tool(
                tool_name=self.name,
                tool_input=dict(arguments),
                connection_name=self.connection_name,
                identifier=self.identifier,
                session_id=self.session_id,
            )
        except SkipassError as error:
            answer = ToolAnswer({"status": "failed", **error.details, **error.as_dict()})
        return text_of(self._with_link(answer))

    def _with_link(self, answer: ToolAnswer) -> ToolAnswer:
        said = answer.envelope
        if answer.status != "consent_required" or said.get("url") or not self.connection_name:
            return answer
        try:
            link = self.client.actions.get_authorization_link(
                connection_name=self.connection_name, identifier=self.identifier, role=said.get("role")
            )
        except SkipassError:
            return answer
        hint = "The user opens the link in `url` once; then call this again."
        return ToolAnswer({**said, "status": "consent_required", "url": link["link"], "hint": hint})

    async def acall(self, arguments: Mapping[str, Any]) -> str:
        """Return the same without holding up the event loop."""
        return await asyncio.to_thread(self, arguments)


def bound_tools(
    connection_name: str | None = None,
    identifier: str | None = None,
    *,
    client: Skipass | None = None,
    session_id: str | None = None,
) -> list[BoundTool]:
    """Return the gateway's tools; whether the user's account is active is answered when one is called.

    The tools about sessions are among them where `connection_name` says on what, unless a session is given. Without
    `client` one is made of the environment. Raises `GatewayError` only where the gateway does not list its tools.
    """
    client = client or Skipass()
    with_sessions = connection_name is not None and session_id is None
    every = _listed(client, connection_name, identifier)
    listed = [tool for tool in every if with_sessions or not tool.is_about_sessions]
    return [BoundTool(client, _on(tool, connection_name), connection_name, identifier, session_id) for tool in listed]


def _listed(client: Skipass, connection_name: str | None, identifier: str | None) -> list[Tool]:
    try:
        return client.tools.list(identifier=identifier)
    except NotYourUser:
        if connection_name is None:
            raise
        # An application's end user is known from the first time an account of theirs is asked for.
        client.actions.get_or_create_connected_account(connection_name=connection_name, identifier=identifier)
        return client.tools.list(identifier=identifier)


def _on(tool: Tool, connection_name: str | None) -> Tool:
    """Return the tool without the inputs that are already settled."""
    schema = dict(tool.input_schema)
    properties = dict(schema.get("properties") or {})
    if connection_name is not None:
        properties.pop("connection", None)
    return replace(tool, input_schema={**schema, "properties": properties})
