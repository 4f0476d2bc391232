"""Changing a connection that is there: its defaults, roles and settings, and whether it answers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.connection_options import (
    COLUMNS,
    HostOption,
    NameArgument,
    PassphraseOption,
    json_object,
    pem,
    place,
    variable,
)
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, show_object


class Clearable(StrEnum):
    """A default or setting that a connection can be without."""

    HOST = "host"
    WAREHOUSE = "warehouse"
    DATABASE = "database"
    SCHEMA = "schema"
    ALLOWED_ROLES = "allowed-roles"
    LOGIN_CLAIM = "login-claim"
    PROBE = "probe-minutes"


def change(
    *,
    name: NameArgument,
    host: HostOption = None,
    role: Annotated[str | None, typer.Option("--role", help="Role of sessions that name none.")] = None,
    allowed_role: Annotated[
        list[str] | None,
        typer.Option("--allowed-role", help="Further role that a session may name; all of them, repeatable."),
    ] = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse")] = None,
    database: Annotated[str | None, typer.Option("--database")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="SCHEMA, or DB.SCHEMA for both at once.")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="File with the connection's policy, as JSON, whole.")
    ] = None,
    login_claim: Annotated[
        str | None, typer.Option("--login-claim", help="With external_oauth_issuer: the claim that is the login.")
    ] = None,
    probe_minutes: Annotated[
        int | None, typer.Option("--probe-minutes", min=1, help="How often idle accounts are asked who they are.")
    ] = None,
    verification: Annotated[
        bool | None,
        typer.Option(
            "--verify-end-users/--unsafe-skip-verification",
            help="Whether end users are linked at their application's word.",
        ),
    ] = None,
    clear: Annotated[
        list[Clearable] | None, typer.Option("--clear", help="Have none of this any more; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be, and change nothing.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Change a connection; what is not named stays. Sessions in a role that is gone end; with another host, all."""
    from skipass.snowflake.identifiers import body_field

    where = place(database, schema)
    given: dict[str, Any] = {
        "host": host,
        "role": body_field(role) if role else None,
        "allowed_roles": [body_field(one) for one in allowed_role] if allowed_role else None,
        "warehouse": body_field(warehouse) if warehouse else None,
        "database": where[0],
        "schema": where[1],
        "policy": json_object(policy),
        "login_claim": login_claim,
        "probe_minutes": probe_minutes,
        "verify_end_users": verification,
    }
    changes = {member: value for member, value in given.items() if value is not None}
    changes |= _cleared(clear or [], changes)
    if not changes:
        raise typer.BadParameter("say what is to change", param_hint="--warehouse, --role, …")
    path = f"/connections/{segment(name)}/change"
    show_object(
        gateway().post(path, changes | {"dry_run": dry_run}, nulls=True),
        form,
        (*COLUMNS, "host", "allowed_roles", "settings"),
    )
    if changes.get("verify_end_users") is False:
        note("UNSAFE: whoever holds a link of an application's end user connects their own account as that user.")


def _cleared(clear: list[Clearable], changes: dict[str, Any]) -> dict[str, Any]:
    members = [one.value.replace("-", "_") for one in clear]
    if both := sorted(set(members) & set(changes)):
        raise typer.BadParameter(f"{', '.join(both)}: given and cleared", param_hint="--clear")
    return {member: [] if member == "allowed_roles" else None for member in members}


def credential(
    name: NameArgument,
    *,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="File of the login's next private key.")
    ] = None,
    passphrase_env: PassphraseOption = None,
    token_env: Annotated[
        str | None,
        typer.Option("--token-env", metavar="VAR", help="Variable that holds the login's next access token."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Give a connection that serves everybody its next key or token; the one before is destroyed, sessions go on."""
    body = {"private_key": pem(private_key, passphrase_env), "token": variable(token_env, "--token-env")}
    made = gateway().post(f"/connections/{segment(name)}/credential", body)
    show_object(made, form, (*COLUMNS, "credential"))
    if form is Format.TABLE:
        note(f"Next: skipass connection test {name}, then take the one before away in Snowflake.")


def enable(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Let a disabled connection answer again; sessions that ended stay ended."""
    show_object(gateway().post(f"/connections/{segment(name)}/enable"), form, COLUMNS)
