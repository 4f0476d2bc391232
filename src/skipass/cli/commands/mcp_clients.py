"""MCP clients, and the consents by which they act for people."""

from __future__ import annotations

from typing import Annotated

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, note, show_object, show_rows

app = typer.Typer(help="MCP clients.", no_args_is_help=True)
consents = typer.Typer(help="Which MCP clients act for whom.", no_args_is_help=True)
_COLUMNS = ("id", "name", "kind", "client_id", "state", "created_at", "expires_at")
_CONSENT = ("id", "user", "client", "resource", "scopes", "redirect_to", "created_at")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Its id, as list shows it.")]


@app.callback()
def mcp_client() -> None:
    """MCP clients."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people are told it is.")],
    redirect_uri: Annotated[
        list[str], typer.Option("--redirect-uri", help="Where browsers are sent back to. Repeatable.")
    ],
    public: Annotated[bool, typer.Option("--public", help="It runs on people's own machines: no secret.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Add a client by hand; its secret is shown once."""
    body = {"name": name, "redirect_uris": redirect_uri, "public": public}
    made = gateway().post("/mcp-clients", body)
    show_object(made, form, (*_COLUMNS[:4], "redirect_uris", "client_secret"))
    if made.get("client_secret"):
        note("The secret is shown this once.")


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List the clients that are known."""
    found, there_are = gateway().items("/mcp-clients", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def disable(client: IdArgument, form: FormatOption = Format.TABLE) -> None:
    """Stop a client for everybody; its tokens stop at once."""
    show_object(gateway().post(f"/mcp-clients/{segment(client)}/disable"), form, _COLUMNS)


@consents.callback()
def consent() -> None:
    """Which MCP clients act for whom."""


@consents.command("list")
def list_consents(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List your own consents, or as an admin or auditor everybody's."""
    found, there_are = gateway().items("/consents", limit)
    show_rows(found, _CONSENT, form)
    more(there_are)


@consents.command()
def revoke(given: IdArgument, form: FormatOption = Format.TABLE) -> None:
    """Take back your own consent, or as an admin anybody's; its tokens stop at once."""
    show_object(gateway().post(f"/consents/{segment(given)}/revoke"), form, _CONSENT)
