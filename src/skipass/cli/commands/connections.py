"""Connections: Snowflake targets, registered, tested, and explained to the account's admin as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import gateway, segment
from skipass.cli.commands import issuers, setup
from skipass.cli.failures import FAILED
from skipass.cli.keyfiles import private_pem
from skipass.cli.options import FormatOption, LimitOption, more
from skipass.cli.output import Format, json_line, note, say, show_object, show_rows

app = typer.Typer(help="Connections to Snowflake.", no_args_is_help=True)
_COLUMNS = ("name", "account", "login", "role", "warehouse", "database", "schema", "state")
_CHECKS = ("name", "ok", "seen", "fix")

NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]
PassphraseOption = Annotated[
    str | None, typer.Option("--passphrase-env", metavar="VAR", help="Variable that holds the key's passphrase.")
]


issuers.add_to(app)
app.command("setup-sql")(setup.setup_sql)
app.command("setup-idp")(setup.setup_idp)


@app.callback()
def connection() -> None:
    """Connections to Snowflake. Names are written as in SQL: folded to upper case unless in double quotes."""


@app.command()
def add(
    *,
    name: NameArgument,
    account: Annotated[str, typer.Option("--account", help="Account identifier or its URL: MYORG-MYACCOUNT.")],
    login: Annotated[str, typer.Option("--login", help="LOGIN_NAME of the Snowflake user.")],
    role: Annotated[str, typer.Option("--role", help="Role of sessions that name none.")],
    private_key: Annotated[Path, typer.Option("--private-key", help="File of the user's private key.")],
    passphrase_env: PassphraseOption = None,
    host: Annotated[str | None, typer.Option("--host", help="Host to dial instead of the account's own.")] = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse")] = None,
    database: Annotated[str | None, typer.Option("--database")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="SCHEMA, or DB.SCHEMA for both at once.")] = None,
    allowed_role: Annotated[
        list[str] | None, typer.Option("--allowed-role", help="Further role that a session may name; repeatable.")
    ] = None,
    slug: Annotated[str | None, typer.Option("--slug", help="Its MCP slug, if not its name.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register a connection; its private key is sealed by the gateway and never comes out again."""
    from skipass.snowflake.identifiers import body_field

    place = _place(database, schema)
    # Sent open over the checked connection: the gateway has to hold the key itself, so its passphrase stays here.
    body = {
        "name": name,
        "account": account,
        "login": login,
        "role": body_field(role),
        "private_key": private_pem(private_key, _passphrase(passphrase_env)).reveal(),
        "host": host,
        "warehouse": body_field(warehouse) if warehouse else None,
        "database": place[0],
        "schema": place[1],
        "allowed_roles": [body_field(one) for one in allowed_role or ()],
        "slug": slug,
    }
    show_object(gateway().post("/connections", body), form, _COLUMNS)
    if form is Format.TABLE:
        note(f"Next: skipass connection setup-sql {name} --private-key {private_key}, then connection test {name}")


def _place(database: str | None, schema: str | None) -> tuple[str | None, str | None]:
    from skipass.snowflake.errors import SnowflakeConfigError
    from skipass.snowflake.identifiers import body_field
    from skipass.snowflake.setup_sql import schema_path

    if schema is None:
        return (body_field(database) if database else None), None
    try:
        inner = body_field(schema)
    except SnowflakeConfigError:
        if database is not None:
            raise
        return schema_path(schema)
    return (body_field(database) if database else None), inner


def _passphrase(variable: str | None) -> str | None:
    if variable is None:
        return None
    value = environment.variable(variable)
    if value is None:
        raise typer.BadParameter(f"the variable {variable} is not set", param_hint="--passphrase-env")
    return value


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
