"""Groups of people and agents, which rules name as `group:NAME`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skipass.cli.client import gateway
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, show_object, show_rows

app = typer.Typer(help="Groups of people and agents.", no_args_is_help=True)
_COLUMNS = ("group", "kind", "member", "source", "at")

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name.")]
MemberArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who.")]
AgentOption = Annotated[bool, typer.Option("--agent", help="NAME is an agent's.")]


@app.callback()
def group() -> None:
    """Groups of people and agents."""


@app.command("list")
def list_(
    group: Annotated[str | None, typer.Option("--group", help="Only this one.")] = None,
    limit: LimitOption = 100,
    form: FormatOption = Format.TABLE,
) -> None:
    """List who is in which group."""
    found, there_are = gateway().items("/groups", limit, group=group)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def add(
    group: GroupArgument, name: MemberArgument, agent: AgentOption = False, form: FormatOption = Format.TABLE
) -> None:
    """Put a person, or an agent, into a group; the group need not exist before."""
    show_object(gateway().post("/groups/add", _member(group, name, agent)), form, _COLUMNS)


@app.command()
def remove(
    group: GroupArgument, name: MemberArgument, agent: AgentOption = False, form: FormatOption = Format.TABLE
) -> None:
    """Take a person, or an agent, out of a group."""
    show_object(gateway().post("/groups/remove", _member(group, name, agent)), form, _COLUMNS)


def _member(group: str, name: str, agent: bool) -> dict[str, Any]:
    return {"group": group, "agent" if agent else "user": name}
