"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skipass.cli import environment
from skipass.cli.output import Format, note
from skipass.secret import Secret

FormatOption = Annotated[Format, typer.Option("--format", help="table, json (an object a line) or csv.")]
IdentifierOption = Annotated[
    str | None,
    typer.Option("--identifier", help="The user to act for, with the key of an agent that acts for several."),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many rows.")]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="SKIPASS_HOME", help="The gateway's directory.", show_default="~/.skipass"),
]
DatabaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="postgresql:// address of the gateway's database; SKIPASS_DATABASE_URL keeps its password unseen.",
    ),
]


def database_url(given: str | None) -> Secret[str] | None:
    """Return the address of a database, from the option or the environment; a password in the option is warned of."""
    if given is None:
        return environment.database_url()
    if "@" in given:
        note("Everybody on this machine can read a command line: SKIPASS_DATABASE_URL keeps the password out of it.")
    return Secret(given)


def more(there_are: bool) -> None:
    """Say on standard error that a list goes on."""
    if there_are:
        note("There are more; --limit shows them.")
