"""Tools of a relay: what is pinned, what the managed server shows now, and what is decided about each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.failures import FAILED
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, show_object, show_rows

_COLUMNS = ("name", "type", "effect", "state", "rule", "hash", "why")

SlugArgument = Annotated[str, typer.Argument(help="The relay.")]
ToolArgument = Annotated[str, typer.Argument(metavar="TOOL", help="The tool's name.")]
HashOption = Annotated[str, typer.Option("--hash", help="Of the tool as you looked at it; tools prints it.")]


class Rule(StrEnum):
    """What becomes of calls of a tool."""

    ALLOWED = "allowed"
    HELD = "held"
    REFUSED = "refused"


class Type(StrEnum):
    """What a managed server's tool is."""

    SQL = "SYSTEM_EXECUTE_SQL"
    SEARCH = "CORTEX_SEARCH_SERVICE_QUERY"
    ANALYST = "CORTEX_ANALYST_MESSAGE"
    AGENT = "CORTEX_AGENT_RUN"
    GENERIC = "GENERIC"


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of MCP servers."""
    app.command()(tools)
    app.command()(pin)
    app.command()(rule)
    app.command()(declare)


def tools(
    slug: SlugArgument,
    look: Annotated[bool, typer.Option("--look", help="Look at the managed server now, by your own account.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """List a relay's tools; with --look exit 1 if one is not as it was pinned."""
    path = f"/mcp-servers/{segment(slug)}"
    found: list[dict[str, Any]] = (gateway().post(f"{path}/look") if look else gateway().get(f"{path}/tools"))["items"]
    show_rows(found, _COLUMNS, form)
    other = [one["name"] for one in found if one["state"] != "pinned"]
    if other and form is Format.TABLE:
        note(f"Not as they were pinned: --format json shows both; skipass mcp-server pin {slug} TOOL --hash HASH")
    if look and other:
        raise typer.Exit(FAILED)


def pin(slug: SlugArgument, tool: ToolArgument, hash_: HashOption, form: FormatOption = Format.TABLE) -> None:
    """Take a new or changed tool as you looked at it."""
    _decided(slug, tool, "pin", {"hash": hash_}, form)


def rule(
    slug: SlugArgument,
    tool: ToolArgument,
    word: Annotated[Rule, typer.Argument(metavar="RULE", help="allowed, held or refused.")],
    hash_: HashOption,
    form: FormatOption = Format.TABLE,
) -> None:
    """Decide what becomes of calls of a tool, as long as it is that very one."""
    _decided(slug, tool, "rule", {"hash": hash_, "rule": word.value}, form)


def declare(
    slug: SlugArgument,
    tool: ToolArgument,
    hash_: HashOption,
    type_: Annotated[Type, typer.Option("--type", help="What it is in the server's specification.")],
    *,
    identifier: Annotated[
        str | None, typer.Option("--object", metavar="DB.SCHEMA.NAME", help="The object behind it.")
    ] = None,
    writes: Annotated[bool, typer.Option("--writes", help="A tool of SQL that changes rows.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what a tool is, where nobody may DESCRIBE the managed server."""
    body = {"hash": hash_, "type": type_.value, "identifier": identifier, "read_only": not writes}
    _decided(slug, tool, "declare", body, form)


def _decided(slug: str, tool: str, verb: str, body: dict[str, Any], form: Format) -> None:
    show_object(gateway().post(f"/mcp-servers/{segment(slug)}/tools/{segment(tool)}/{verb}", body), form, _COLUMNS)
