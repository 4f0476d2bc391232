"""Registering connections, and the clients they have at authorization servers. Secrets come from files and variables.

Nothing secret is ever an argument: arguments stand in the shell's history and in everybody's list of processes.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import gateway, segment
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import private_pem
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, say, show_object, show_rows

_COLUMNS = ("name", "auth_method", "account", "login", "role", "warehouse", "database", "schema", "state")
_CLIENTS = ("id", "account", "client_id", "client_auth", "redirect_uri", "state")


class Auth(StrEnum):
    """How the gateway signs in to Snowflake."""

    KEY_PAIR = "key_pair"
    PAT = "pat"
    SNOWFLAKE_OAUTH = "snowflake_oauth"
    EXTERNAL_OAUTH = "external_oauth"
    EXTERNAL_OAUTH_ISSUER = "external_oauth_issuer"


class ClientAuth(StrEnum):
    """How a client proves itself at the token endpoint."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


NameArgument = Annotated[str, typer.Argument(help="The connection's name.")]
PassphraseOption = Annotated[
    str | None, typer.Option("--passphrase-env", metavar="VAR", help="Variable that holds the key's passphrase.")
]
HostOption = Annotated[str | None, typer.Option("--host", help="Host to dial instead of the account's own.")]
RolesOption = Annotated[
    list[str] | None, typer.Option("--allowed-role", help="Further role that a session may name; repeatable.")
]
ClientIdOption = Annotated[
    str | None, typer.Option("--client-id", help="Client id of the security integration, once there is one.")
]
SecretOption = Annotated[
    str | None, typer.Option("--client-secret-env", metavar="VAR", help="Variable that holds the client's secret.")
]
ClientKeyOption = Annotated[
    Path | None, typer.Option("--client-key", help="File of the client's private key, for private_key_jwt.")
]
ClientAuthOption = Annotated[ClientAuth, typer.Option("--client-auth", help="How the client proves itself.")]
SingleUseOption = Annotated[bool, typer.Option("--single-use", help="Ask Snowflake for single-use refresh tokens.")]
MetadataOption = Annotated[
    Path | None, typer.Option("--oauth-metadata", help="File with the provider's oauth_metadata object, as pasted.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to those of connections."""
    app.command()(add)
    app.command()(register)
    app.command()(unregister)
    app.command()(registrations)
    app.command("set-client")(set_client)
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
    client_auth: ClientAuthOption = ClientAuth.BASIC,
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

    place = _place(database, schema)
    # Sent open over the checked connection: the gateway has to hold the key itself, so its passphrase stays here.
    body: dict[str, Any] = {
        "name": name,
        "auth": auth.value,
        "account": account,
        "login": login,
        "role": body_field(role),
        "private_key": _pem(private_key, passphrase_env),
        "token": _variable(token_env, "--token-env"),
        "per_user": per_user or None,
        "template": template or None,
        "login_claim": login_claim,
        "verify_end_users": False if unsafe_skip_verification else None,
        "host": host,
        "warehouse": body_field(warehouse) if warehouse else None,
        "database": place[0],
        "schema": place[1],
        "allowed_roles": [body_field(one) for one in allowed_role or ()],
        "slug": slug,
    }
    body |= _client(client_id, client_secret_env, client_key, client_auth, oauth_metadata, single_use=single_use)
    made = gateway().post("/connections", body)
    show_object(made, form, _COLUMNS)
    if form is Format.TABLE:
        _next(name, made, private_key)


def _next(name: str, made: dict[str, Any], private_key: Path | None) -> None:
    if made["registration"] is not None:
        say(f"\nRedirect URI: {made['registration']['redirect_uri']}")
    for remark in made["remarks"]:
        note(remark)
    key = f" --private-key {private_key}" if private_key else ""
    note(f"Next: skipass connection setup-sql {name}{key}, then connection test {name}")
    if made["settings"].get("verify_end_users") is False:
        note("UNSAFE: whoever holds a link of an application's end user connects their own account as that user.")


def register(
    name: NameArgument,
    *,
    account: Annotated[str, typer.Option("--account", help="The customer's account, in any form.")],
    client_id: ClientIdOption = None,
    client_secret_env: SecretOption = None,
    client_key: ClientKeyOption = None,
    client_auth: ClientAuthOption = ClientAuth.BASIC,
    single_use: SingleUseOption = False,
    oauth_metadata: MetadataOption = None,
    host: HostOption = None,
    allowed_role: RolesOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register a client for one more account of a template connection."""
    from skipass.snowflake.identifiers import body_field

    body = _client(client_id, client_secret_env, client_key, client_auth, oauth_metadata, single_use=single_use)
    body |= {"account": account, "host": host, "allowed_roles": [body_field(one) for one in allowed_role or ()]}
    made = gateway().post(f"/connections/{segment(name)}/registrations", body)
    if form is not Format.TABLE:
        show_object(made, form)
        return
    show_object(made["registration"], form, _CLIENTS)
    for remark in made["remarks"]:
        note(remark)


def registrations(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """List a connection's clients at authorization servers, with the redirect URI of each."""
    show_rows(gateway().get(f"/connections/{segment(name)}/registrations")["items"], _CLIENTS, form)


def unregister(
    registration: Annotated[str, typer.Argument(help="The registration's id.")], form: FormatOption = Format.TABLE
) -> None:
    """Stop using a client: nobody links by it any more."""
    show_object(gateway().post(f"/registrations/{segment(registration)}/disable"), form, _CLIENTS)


def set_client(
    registration: Annotated[str, typer.Argument(help="The registration's id.")],
    *,
    client_id: ClientIdOption = None,
    client_secret_env: SecretOption = None,
    client_key: ClientKeyOption = None,
    client_auth: ClientAuthOption = ClientAuth.BASIC,
    form: FormatOption = Format.TABLE,
) -> None:
    """Give a registration its client once the security integration is made, or a new secret later."""
    body = _client(client_id, client_secret_env, client_key, client_auth, None, single_use=False)
    body.pop("single_use")
    show_object(gateway().post(f"/registrations/{segment(registration)}/client", body), form, _CLIENTS)


def invite(name: NameArgument, form: FormatOption = Format.TABLE) -> None:
    """Print a one-time link by which a customer's admin registers their account on a template connection."""
    made = gateway().post(f"/connections/{segment(name)}/setup-link")
    if form is not Format.TABLE:
        show_object(made, form)
        return
    say(made["url"])
    note(f"Good once, until {made['expires_at']}.")


def _client(
    client_id: str | None,
    secret_env: str | None,
    key: Path | None,
    auth: ClientAuth,
    metadata: Path | None,
    *,
    single_use: bool,
) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": _variable(secret_env, "--client-secret-env"),
        "client_private_key": _pem(key, None),
        "client_auth": auth.value,
        "single_use": single_use or None,
        "oauth_metadata": _object(metadata),
    }


def _object(path: Path | None) -> dict[str, Any] | None:
    import orjson

    if path is None:
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        found = None
    if not isinstance(found, dict):
        raise Refusal("invalid_request", f"{path} holds no JSON object.", "Paste the oauth_metadata object into it.")
    return found.get("oauth_metadata", found) if isinstance(found.get("oauth_metadata"), dict) else found


def _pem(path: Path | None, passphrase_env: str | None) -> str | None:
    return private_pem(path, _variable(passphrase_env, "--passphrase-env")).reveal() if path else None


def _variable(name: str | None, option: str) -> str | None:
    if name is None:
        return None
    value = environment.variable(name)
    if value is None:
        raise typer.BadParameter(f"the variable {name} is not set", param_hint=option)
    return value


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
