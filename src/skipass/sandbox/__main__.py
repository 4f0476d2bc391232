"""`python -m skipass.sandbox serve …`, the same command as `skipass sandbox serve`."""

from __future__ import annotations

import typer

from skipass.sandbox.command import serve

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.callback()(lambda: None)
app.command()(serve)

if __name__ == "__main__":
    app()
