"""`vault status|rotate`: the key that seals every credential, and turning to the next one while the gateway runs."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, say, show_object

app = typer.Typer(help="The vault's key.", no_args_is_help=True)
_COLUMNS = ("in_use", "where", "known", "turning_to", "sealed")
_LOOK_S = 0.5


@app.callback()
def vault() -> None:
    """The vault's key."""


@app.command()
def status(form: FormatOption = Format.TABLE) -> None:
    """Show which key seals, which keys the gateway has, and how many values are under each."""
    show_object(gateway().get("/vault"), form, _COLUMNS)


@app.command()
def rotate(
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until everything is under the next key.")] = True,
    form: FormatOption = Format.TABLE,
) -> None:
    """Turn to the next key; nothing stops meanwhile, and after a crash it goes on by itself."""
    api = gateway()
    begun = api.post("/vault/rotate")
    done = _waited(api, begun) if wait else begun
    show_object(done, form, _COLUMNS)
    if form is Format.TABLE and not done["turning_to"]:
        say("\nBack up the new key now, and keep the one before as long as a backup needs it.")


def _waited(api: Any, state: dict[str, Any]) -> dict[str, Any]:
    while state["turning_to"] or set(state["sealed"]) - {state["in_use"]}:
        time.sleep(_LOOK_S)
        state = api.get("/vault")
    return state
