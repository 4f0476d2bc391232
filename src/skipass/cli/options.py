"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skipass.cli.output import Format, note

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


def more(there_are: bool) -> None:
    """Say on standard error that a list goes on."""
    if there_are:
        note("There are more; --limit shows them.")
