"""MCP servers: slugs, who is let in at each, and whether they work."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.commands import relayed, server_setup, server_testing
from skipass.cli.connection_options import json_object
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, show_object, show_rows
from skipass.cli.visible import visible

app = typer.Typer(help="MCP servers.", no_args_is_help=True)
_COLUMNS = ("slug", "url", "connection", "users", "groups", "agents", "state")
_WHOLE = (
    *("slug", "url", "connection", "upstream", "users", "groups", "agents", "agents_of_connection"),
    *("clients", "tools", "sessions", "drift", "state"),
)
_LISTS = ("users", "groups", "agents", "clients", "tools")

SlugArgument = Annotated[str, typer.Argument(help="1 to 40 of a-z, 0-9 and -")]
UserOption = Annotated[
    list[str] | None, typer.Option("--user", help="A person let in through the MCP clients they sign in; repeatable.")
]
GroupOption = Annotated[list[str] | None, typer.Option("--group", help="A group whose people are; repeatable.")]
AgentOption = Annotated[
    list[str] | None, typer.Option("--agent", help="An agent let in by its key; it must have the connection.")
]
ClientOption = Annotated[
    list[str] | None, typer.Option("--client", help="Client id of an MCP client; without any, every client may come.")
]
ToolOption = Annotated[
    list[str] | None, typer.Option("--tool", help="A tool to be had; without any, all of them. Repeatable.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be, and change nothing.")]


class Sessions(StrEnum):
    """Which sessions a slug serves."""

    EXPLICIT = "explicit"
    AUTOMATIC = "automatic"


SessionsOption = Annotated[
    Sessions | None, typer.Option("--sessions", help="explicit: none opens by itself here, whatever the policy says.")
]


class Drift(StrEnum):
    """What becomes of a call of a tool that is not as it was pinned."""

    HELD = "held"
    REFUSED = "refused"


DriftOption = Annotated[
    Drift | None, typer.Option("--drift", help="Of a relay: whether calls of tools that changed wait or are refused.")
]

relayed.add_to(app)
app.command("setup-sql")(server_setup.setup_sql)
app.command("test")(server_testing.check)


@app.callback()
def mcp_server() -> None:
    """MCP servers."""


@app.command()
def add(
    slug: SlugArgument,
    *,
    connection: Annotated[str | None, typer.Option("--connection", help="The connection behind it.")] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Instead of the built-in tools: the managed MCP server to relay to.")
    ] = None,
    oauth_metadata: Annotated[
        Path | None, typer.Option("--oauth-metadata", help="With --url: its OAuth client, as JSON, as it was given.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", help="With --oauth-metadata: the role, where its scope names none.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="With --oauth-metadata: where the host does not tell it.")
    ] = None,
    warehouse: Annotated[
        str | None, typer.Option("--warehouse", help="With --oauth-metadata: the warehouse of its connection.")
    ] = None,
    user: UserOption = None,
    group: GroupOption = None,
    agent: AgentOption = None,
    client: ClientOption = None,
    tool: ToolOption = None,
    sessions: SessionsOption = None,
    drift: DriftOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Open a slug with the built-in tools, or with --url a relay; nobody is let in but those it names."""
    from skipass.snowflake.identifiers import body_field

    if (connection is None) is (oauth_metadata is None):
        raise typer.BadParameter("one of them", param_hint="--connection, or --oauth-metadata with --url")
    if oauth_metadata is not None and url is None:
        raise typer.BadParameter("belongs to --url", param_hint="--oauth-metadata")
    lists = dict(zip(_LISTS, (user, group, agent, client, tool), strict=True))
    body: dict[str, Any] = {"slug": slug, "connection": connection, "url": url}
    body |= {"oauth_metadata": json_object(oauth_metadata), "account": account}
    body |= {"role": body_field(role) if role else None, "warehouse": body_field(warehouse) if warehouse else None}
    body |= {"sessions": sessions.value if sessions else None, "drift": drift.value if drift else None}
    made = gateway().post("/mcp-servers", body | lists)
    show_object(made, form, _WHOLE)
    _say_on(made)
    if not any((user, group, agent)):
        note(f"Nobody is let in yet: skipass mcp-server change {slug} --user NAME, --group NAME or --agent NAME")


def _say_on(made: Mapping[str, Any]) -> None:
    """Say what there is to know of a relay that was made, and which address its client has to know."""
    for remark in made["remarks"]:
        note(visible(remark))
    if made["registration"]:
        note(f"Its client must know this redirect URI: {made['registration']['redirect_uri']}")


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List the slugs."""
    found, there_are = gateway().items("/mcp-servers", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(slug: SlugArgument, form: FormatOption = Format.TABLE) -> None:
    """Show one slug and who is let in."""
    show_object(gateway().get(f"/mcp-servers/{segment(slug)}"), form, _WHOLE)


@app.command()
def change(
    slug: SlugArgument,
    *,
    user: UserOption = None,
    group: GroupOption = None,
    agent: AgentOption = None,
    client: ClientOption = None,
    tool: ToolOption = None,
    remove_user: Annotated[list[str] | None, typer.Option("--remove-user", help="Let in no longer.")] = None,
    remove_group: Annotated[list[str] | None, typer.Option("--remove-group", help="Let in no longer.")] = None,
    remove_agent: Annotated[list[str] | None, typer.Option("--remove-agent", help="Let in no longer.")] = None,
    remove_client: Annotated[list[str] | None, typer.Option("--remove-client", help="Take off the list.")] = None,
    remove_tool: Annotated[list[str] | None, typer.Option("--remove-tool", help="Take off the list.")] = None,
    agents_of_connection: Annotated[
        bool | None,
        typer.Option("--agents-of-connection/--named-agents", help="Let in every agent with the connection, or not."),
    ] = None,
    sessions: SessionsOption = None,
    drift: DriftOption = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Let further ones in at a slug, or some no longer; sessions of MCP clients that are shut out end at once."""
    add = _given(user, group, agent, client, tool)
    remove = _given(remove_user, remove_group, remove_agent, remove_client, remove_tool)
    body: dict[str, Any] = {"add": add or None, "remove": remove or None, "agents_of_connection": agents_of_connection}
    body |= {"sessions": sessions.value if sessions else None, "drift": drift.value if drift else None}
    if all(value is None for value in body.values()):
        raise typer.BadParameter("say what is to change", param_hint="--user, --remove-user, --sessions, …")
    show_object(gateway().post(f"/mcp-servers/{segment(slug)}/change", body | {"dry_run": dry_run}), form, _WHOLE)


def _given(*lists: list[str] | None) -> Mapping[str, list[str]]:
    return {name: names for name, names in zip(_LISTS, lists, strict=True) if names}


@app.command()
def disable(slug: SlugArgument, form: FormatOption = Format.TABLE) -> None:
    """Close a slug; what MCP clients have open through it alone ends."""
    show_object(gateway().post(f"/mcp-servers/{segment(slug)}/disable"), form, _COLUMNS)


@app.command()
def enable(slug: SlugArgument, form: FormatOption = Format.TABLE) -> None:
    """Let a closed slug answer again, to those it let in before."""
    show_object(gateway().post(f"/mcp-servers/{segment(slug)}/enable"), form, _COLUMNS)
