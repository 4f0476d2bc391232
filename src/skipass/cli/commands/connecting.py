"""Registering connections, and the clients they have at authorization servers. Secrets come from files and variables.

Nothing secret is ever an argument: arguments stand in the shell's history and in everybody's list of processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli.client import gateway, segment
from skipass.cli.connection_options import (
    CLIENTS,
    COLUMNS,
    Auth,
    ClientAuthOption,
    ClientIdOption,
    ClientKeyOption,
    HostOption,
    MetadataOption,
    NameArgument,
    PassphraseOption,
    RolesOption,
    SecretOption,
    SingleUseOption,
    client_body,
    pem,
    place,
    variable,
)
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, say, show_object, show_rows


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of connections."""
    app.command()(add)
    app.command()(register)
    app.command()(unregister)
    app.command()(registrations)
    app.command()(invite)


def add(
    *,
    name: NameArgument,
    role: Annotated[str, typer.Option("--role", help="Role of sessions that name none.")],
    account: Annotated[
        str | None, typer.Option("--account", help="Account identifier or its URL: MYORG-MYACCOUNT.")
    ] = None,
    auth: Annotated[Auth, typer.Option("--auth", help="How the gateway signs in.")] = Auth.KEY_PAIR,
    login: Annotated[str | None, typer.Option("--login", help="LOGIN_NAME, where one serves everybody.")] = None,
    private_key: Annotated[Path | None, typer.Option("--private-key", help="File of that login's private key.")] = None,
    passphrase_env: PassphraseOption = None,
    token_env: Annotated[
        str | None, typer.Option("--token-env", metavar="VAR", help="Variable that holds that login's access token.")
    ] = None,
    per_user: Annotated[
        bool, typer.Option("--per-user", help="Each user hands in a key or token of their own.")
    ] = False,
    template: Annotated[bool, typer.Option("--template", help="Accounts are registered one by one.")] = False,
    client_id: ClientIdOption = None,
    client_secret_env: SecretOption = None,
    client_key: ClientKeyOption = None,
    client_auth: ClientAuthOption = None,
    single_use: SingleUseOption = False,
    oauth_metadata: MetadataOption = None,
    login_claim: Annotated[
        str | None, typer.Option("--login-claim", help="With external_oauth_issuer: the claim that is the login.")
    ] = None,
    unsafe_skip_verification: Annotated[
        bool, typer.Option("--unsafe-skip-verification", help="Link end users without their application's word.")
    ] = False,
    host: HostOption = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse")] = None,
    database: Annotated[str | None, typer.Option("--database")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="SCHEMA, or DB.SCHEMA for both at once.")] = None,
    allowed_role: RolesOption = None,
    slug: Annotated[str | None, typer.Option("--slug", help="Its MCP slug, if not its name.")] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register a connection; its secrets are sealed by the gateway and never come out again."""
    from skipass.snowflake.identifiers import body_field

    where = place(database, schema)
    # Sent open over the checked connection: the gateway has to hold the key itself, so its passphrase stays here.
    body: dict[str, Any] = {
        "name": name,
        "auth": auth.value,
        "account": account,
        "login": login,
        "role": body_field(role),
        "private_key": pem(private_key, passphrase_env),
        "token": variable(token_env, "--token-env"),
        "per_user": per_user or None,
        "template": template or None,
        "login_claim": login_claim,
        "verify_end_users": False if unsafe_skip_verification else None,
        "host": host,
        "warehouse": body_field(warehouse) if warehouse else None,
        "database": where[0],
        "schema": where[1],
        "allowed_roles": [body_field(one) for one in allowed_role or ()],
        "slug": slug,
    }
    body |= client_body(client_id, client_secret_env, client_key, client_auth, oauth_metadata, single_use=single_use)
    made = gateway().post("/connections", body)
    show_object(made, form, COLUMNS)
    if form is Format.TABLE:
        _next(name, made, private_key)


def _next(name: str, made: dict[str, Any], private_key: Path | None) -> None:
    if made["registration"] is not None:
        say(f"\nRedirect URI: {made['registration']['redirect_uri']}")
    for remark in made["remarks"]:
        note(remark)
    if made["registration"] is None or made["registration"]["client_id"]:
        note(f"Next: {_following(name, made, private_key)}")
    if made["settings"].get("verify_end_users") is False:
        note("UNSAFE: whoever holds a link of an application's end user connects their own account as that user.")


def _following(name: str, made: dict[str, Any], private_key: Path | None) -> str:
    """Return what comes after a connection: its customers, its users' own credentials, or its script."""
    if made["template"]:
        return f"skipass connection register {name}, or a link for the customer's admin: connection invite {name}"
    if made["per_user"] and made["auth_method"] in (Auth.KEY_PAIR, Auth.PAT):
        return f"each user hands in their own: skipass account link {name}"
    key = f" --private-key {private_key}" if private_key else ""
    return f"skipass connection setup-sql {name}{key}, then connection test {name}"


def register(
    name: NameArgument,
    *,
    account: Annotated[str, typer.Option("--account", help="The customer's account, in any form.")],
    client_id: ClientIdOption = None,
    client_secret_env: SecretOption = None,
    client_key: ClientKeyOption = None,
    client_auth: ClientAuthOption = None,
    single_use: SingleUseOption = False,
    oauth_metadata: MetadataOption = None,
    host: HostOption = None,
    allowed_role: RolesOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register a client for one more account of a template connection."""
    from skipass.snowflake.identifiers import body_field

    body = client_body(client_id, client_secret_env, client_key, client_auth, oauth_metadata, single_use=single_use)
    body |= {"account": account, "host": host, "allowed_roles": [body_field(one) for one in allowed_role or ()]}
    made = gateway().post(f"/connections/{segment(name)}/registrations", body)
    if form is not Format.TABLE:
        show_object(made, form)
        return
    show_object(made["registration"], form, CLIENTS)
    for remark in made["remarks"]:
        note(remark)


def registrations(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """List a connection's clients at authorization servers, with the redirect URI of each."""
    show_rows(gateway().get(f"/connections/{segment(name)}/registrations")["items"], CLIENTS, form)


def unregister(
    registration: Annotated[str, typer.Argument(help="The registration's id.")], form: FormatOption = Format.TABLE
) -> None:
    """Stop using a client: nobody links by it any more."""
    show_object(gateway().post(f"/registrations/{segment(registration)}/disable"), form, CLIENTS)


def invite(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Print a one-time link by which a customer's admin registers their account on a template connection."""
    made = gateway().post(f"/connections/{segment(name)}/setup-link")
    if form is not Format.TABLE:
        show_object(made, form)
        return
    say(made["url"])
    note(f"Good once, until {made['expires_at']}.")
