"""`sandbox serve`: the stand-in for a Snowflake account, alone."""

from __future__ import annotations

from functools import wraps
from typing import Any

import typer

from skipass.cli.failures import extra, listening
from skipass.sandbox.command import serve

app = typer.Typer(help="The stand-in for a Snowflake account.", no_args_is_help=True)


@app.callback()
def sandbox() -> None:
    """The stand-in for a Snowflake account."""


@app.command("serve")
@wraps(serve)
def run(*arguments: Any, **options: Any) -> None:
    """Run the sandbox's own command, which knows its options."""
    with extra("sandbox"), listening():
        serve(*arguments, **options)
