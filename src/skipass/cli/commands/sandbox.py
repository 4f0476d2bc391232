"""`sandbox serve`: the stand-in for a Snowflake account, alone."""

from __future__ import annotations

import typer

from skipass.sandbox.command import serve

app = typer.Typer(help="The stand-in for a Snowflake account.", no_args_is_help=True)
app.command()(serve)


@app.callback()
def sandbox() -> None:
    """The stand-in for a Snowflake account."""
