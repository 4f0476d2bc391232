"""MCP servers: slugs over connections."""

from __future__ import annotations

from typing import Annotated

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, show_object, show_rows

app = typer.Typer(help="MCP servers.", no_args_is_help=True)
_COLUMNS = ("slug", "url", "connection_id", "agents", "state")

SlugArgument = Annotated[str, typer.Argument(help="1 to 40 of a-z, 0-9 and -")]


@app.callback()
def mcp_server() -> None:
    """MCP servers."""


@app.command()
def add(
    slug: SlugArgument,
    connection: Annotated[str, typer.Option("--connection", help="The connection behind it.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """Open a slug over a connection; agents that may use the connection are let in."""
    show_object(gateway().post("/mcp-servers", {"slug": slug, "connection": connection}), form, _COLUMNS)


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List the slugs."""
    found, there_are = gateway().items("/mcp-servers", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def disable(slug: SlugArgument, form: FormatOption = Format.TABLE) -> None:
    """Close a slug."""
    show_object(gateway().post(f"/mcp-servers/{segment(slug)}/disable"), form, _COLUMNS)
