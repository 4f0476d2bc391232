"""What the routes of MCP servers take, and what a slug looks like in their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from skipass.errors import SkipassError
from skipass.gateway.relay_servers import UpstreamClient
from skipass.gateway.slug_names import LISTS, MOST_NAMES, Access
from skipass.nouns.connection import Drift, SlugSessions
from skipass.surfaces.rest.bodies import Body
from skipass.surfaces.rest.connections_shapes import Registration
from skipass.surfaces.rest.shapes import Shape
from skipass.tools.fields import Name

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=2048)]], Field(max_length=MOST_NAMES)]
SessionsName = Literal["explicit", "automatic"]
DriftName = Literal["held", "refused"]
ClientName = Literal[
    "claude-code", "claude-desktop", "cursor", "vscode", "windsurf", "langchain", "openai-agents", "server-json"
]


class Listed(Body):
    """Names on the lists of a slug."""

    users: Names | None = Field(
        default=None, description="People let in through an MCP client they sign in.", examples=[["ada"]]
    )
    groups: Names | None = Field(
        default=None, description="Groups whose people are let in so.", examples=[["analysts"]]
    )
    agents: Names | None = Field(
        default=None, description="Agents let in by their keys; each must have the connection.", examples=[[]]
    )
    clients: Names | None = Field(
        default=None, description="Client ids of the only MCP clients to come by; any, when empty.", examples=[[]]
    )
    tools: Names | None = Field(
        default=None, description="The only tools to be had; all of them, when empty.", examples=[[]]
    )

    def named(self) -> Mapping[str, list[str]]:
        """Return the lists that were given."""
        return {name: getattr(self, name) for name in LISTS if getattr(self, name) is not None}


class Settled(Listed):
    """Who is let in, whole."""

    agents_of_connection: bool | None = Field(
        default=None, description="Let in every agent that may use the connection.", examples=[False]
    )
    sessions: SessionsName | None = Field(
        default=None, description="`explicit`: no session opens by itself here.", examples=["explicit"]
    )
    drift: DriftName | None = Field(
        default=None, description="Of a relay: whether calls of changed tools wait or are refused.", examples=["held"]
    )

    def access(self, add: Listed | None = None, remove: Listed | None = None) -> Access:
        """Return what is said of who is let in."""
        return Access(
            put=self.named(),
            add=add.named() if add else {},
            remove=remove.named() if remove else {},
            sessions=SlugSessions(self.sessions) if self.sessions else None,
            agents_of_connection=self.agents_of_connection,
            drift=Drift(self.drift) if self.drift else None,
        )


class NewServer(Settled):
    """Body of `POST /mcp-servers`. Nobody is let in but those it names.

    With `url` it relays to that managed server, over a connection or over one that is made from `oauth_metadata`.
    """

    slug: Name = Field(description="1 to 40 of a-z, 0-9 and -.", examples=["ops"])
    connection: Name | None = Field(default=None, description="Name of the connection behind it.", examples=["ops"])
    url: str | None = Field(
        default=None,
        max_length=2000,
        description="Of a Snowflake-managed MCP server; without it the slug has the built-in tools.",
        examples=["https://myorg-acct.snowflakecomputing.com/api/v2/databases/DB/schemas/S/mcp-servers/M"],
    )
    oauth_metadata: dict[str, Any] | None = Field(
        default=None, description="With `url`: its OAuth client, as pasted; `client_secret` is sealed on arrival."
    )
    role: Name | None = Field(default=None, description="With `oauth_metadata`: the role, where its scope names none.")
    account: Name | None = Field(default=None, description="With `oauth_metadata`: where the host does not tell it.")
    warehouse: Name | None = Field(default=None, description="With `oauth_metadata`: the connection's warehouse.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        """A slug is over a connection that is there, or a relay over one that its metadata makes."""
        if self.connection is not None and self.oauth_metadata is not None:
            raise ValueError("name a connection or give oauth_metadata for a new one, not both")
        if self.url is None and (self.oauth_metadata, self.role, self.account, self.warehouse) != (None,) * 4:
            raise ValueError("oauth_metadata, role, account and warehouse belong to url")
        return self

    def over(self) -> str:
        """Return the connection of a slug with the built-in tools, or raise `missing_field`."""
        if self.connection is None:
            hint = "Name the connection; a relay takes url as well."
            raise SkipassError(
                "missing_field", "A slug is over a connection.", hint, details={"fields": ["connection"]}
            )
        return self.connection

    def client(self) -> UpstreamClient | None:
        """Return what a relay's own connection is made from."""
        if self.oauth_metadata is None:
            return None
        return UpstreamClient(self.oauth_metadata, role=self.role, account=self.account, warehouse=self.warehouse)


class ChangedServer(Settled):
    """Body of `POST /mcp-servers/{slug}/change`: whole lists, or names to add and to remove; what is left out stays."""

    add: Listed | None = Field(default=None, description="Names to put on lists.", examples=[{"users": ["ada"]}])
    remove: Listed | None = Field(default=None, description="Names to take off lists.", examples=[{"groups": ["x"]}])
    dry_run: bool = Field(default=False, description="Only say what it would become.")

    @model_validator(mode="after")
    def _one_word_a_list(self) -> Self:
        """A list is either given whole or changed by names: both at once would depend on the order."""
        for listed in (self.add, self.remove):
            if listed is not None and set(listed.named()) & set(self.named()):
                raise ValueError("give a list whole, or names to add and to remove")
        return self


class McpServer(Shape):
    """A slug, and who is let in by name."""

    id: str = Field(examples=["mcp_06fq3x8e4mzv2k9c0r7t5w1a2b"])
    slug: str = Field(examples=["ops"])
    url: str = Field(examples=["https://skipass.example.com/ops/mcp"])
    connection_id: str
    connection: str = Field(examples=["ops"])
    upstream: str | None = Field(description="The managed server it relays to; null for the built-in tools.")
    users: list[str] = Field(description="People let in through an MCP client they sign in.")
    groups: list[str] = Field(description="Groups whose people are let in so.")
    agents: list[str] = Field(description="Agents let in by their keys.")
    clients: list[str] = Field(description="Client ids of the only MCP clients to come by; any, when empty.")
    tools: list[str] = Field(description="The only tools to be had; all of them, when empty.")
    agents_of_connection: bool = Field(description="Whether every agent that may use the connection is let in.")
    sessions: SessionsName = Field(description="`explicit`: no session opens by itself here.")
    drift: DriftName = Field(description="Of a relay: what becomes of calls of tools that changed.")
    state: Literal["enabled", "disabled"]


class AddedServer(McpServer):
    """A new slug, with the client that came with it."""

    registration: Registration | None
    remarks: list[str] = Field(description="What was replaced, ignored or rewritten, and what comes next.")


class ClientConfig(Shape):
    """What to paste into an MCP client."""

    client: ClientName
    title: str = Field(examples=["Cursor"])
    file: str | None = Field(description="Where it goes; null for a command to run or a field to fill.")
    text: str
    link: str | None = Field(description="Opens the client with the same filled in, where it has such links.")
