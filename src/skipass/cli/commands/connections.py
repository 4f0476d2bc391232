"""Connections: Snowflake targets, registered, tested, and explained to the account's admin as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.commands import changing, clients, connecting, importing, issuers, setup
from skipass.cli.failures import FAILED
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, json_line, note, say, show_object, show_rows

app = typer.Typer(help="Connections to Snowflake.", no_args_is_help=True)
_COLUMNS = ("name", "auth_method", "account", "login", "role", "warehouse", "database", "schema", "state")
_CHECKS = ("name", "ok", "seen", "fix")

NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]


connecting.add_to(app)
issuers.add_to(app)
app.command()(clients.client)
app.command("import")(importing.import_)
app.command("setup-sql")(setup.setup_sql)
app.command("setup-idp")(setup.setup_idp)


@app.callback()
def connection() -> None:
    """Connections to Snowflake. Names are written as in SQL: folded to upper case unless in double quotes."""


@app.command("list")
def list_(limit: LimitOption = 100, form: FormatOption = Format.TABLE) -> None:
    """List the connections."""
    found, there_are = gateway().items("/connections", limit)
    show_rows(found, _COLUMNS, form)
    more(there_are)


@app.command()
def show(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Show one connection; never its key."""
    show_object(gateway().get(f"/connections/{segment(name)}"), form)


@app.command("test")
def check(
    name: NameArgument,
    schema: Annotated[
        list[str] | None,
        typer.Option("--schema", metavar="DB.SCHEMA", help="Fail if the role reaches beyond it; repeatable."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="With --schema: the role may change rows there.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Sign in to Snowflake and say what is seen, step by step, the role's grants too; exit 1 if a step fails."""
    scope = {"schemas": schema, "access": "write" if write else "read"} if schema else None
    answer = gateway().post(f"/connections/{segment(name)}/test", {"scope": scope})
    if form is Format.JSON:
        say(json_line(answer))
    else:
        show_rows([_line(one) for one in answer["checks"]], _CHECKS, form)
    if not answer["ok"]:
        note(f"A login that was never set up: skipass connection setup-sql {name} --private-key FILE")
        raise typer.Exit(FAILED)


def _line(check: Mapping[str, Any]) -> dict[str, Any]:
    words = {True: "ok", False: "failed", None: "cannot see"}
    return {**check, "ok": words[check["ok"]], "fix": "" if check["ok"] else check["fix"]}


@app.command()
def disable(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Disable a connection: nothing on it is admitted any more."""
    show_object(gateway().post(f"/connections/{segment(name)}/disable"), form, _COLUMNS)


app.command()(changing.enable)
app.command()(changing.change)
app.command()(changing.credential)
