"""What the commands of connections share: columns, options, and how options become members of a request.

Secrets come from files and variables: an argument stands in the shell's history and in everybody's list of processes.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import private_pem

COLUMNS = ("name", "auth_method", "account", "login", "role", "warehouse", "database", "schema", "state")
CLIENTS = ("id", "account", "client_id", "client_auth", "redirect_uri", "state")


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
HostOption = Annotated[
    str | None, typer.Option("--host", help="Host to dial instead of the account's own; http:// on this machine only.")
]
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
    Path | None, typer.Option("--client-private-key", help="File of the client's private key, for private_key_jwt.")
]
ClientAuthOption = Annotated[
    ClientAuth | None, typer.Option("--client-auth", help="How the client proves itself; client_secret_basic.")
]
SingleUseOption = Annotated[bool, typer.Option("--single-use", help="Ask Snowflake for single-use refresh tokens.")]
MetadataOption = Annotated[
    Path | None, typer.Option("--oauth-metadata", help="File with the provider's oauth_metadata object, as pasted.")
]


def client_body(
    client_id: str | None,
    secret_env: str | None,
    key: Path | None,
    auth: ClientAuth | None,
    metadata: Path | None,
    *,
    single_use: bool,
) -> dict[str, Any]:
    """Return the members of a request that say which client it is; by a key where a key is given and nothing said."""
    usual = ClientAuth.PRIVATE_KEY_JWT if key else ClientAuth.BASIC
    pasted = json_object(metadata)
    inner = pasted.get("oauth_metadata") if pasted else None
    return {
        "client_id": client_id,
        "client_secret": variable(secret_env, "--client-secret-env"),
        "client_private_key": pem(key),
        "client_auth": (auth or usual).value,
        "single_use": single_use or None,
        "oauth_metadata": inner if isinstance(inner, dict) else pasted,
    }


def json_object(path: Path | None) -> dict[str, Any] | None:
    """Return the JSON object in a file."""
    import orjson

    if path is None:
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        found = None
    if not isinstance(found, dict):
        raise Refusal("invalid_request", f"{path} holds no JSON object.", 'It starts with "{".')
    return found


def pem(path: Path | None, passphrase_env: str | None = None) -> str | None:
    """Return the private key in a file as PEM, opened with the passphrase in a variable."""
    return private_pem(path, variable(passphrase_env, "--passphrase-env")).reveal() if path else None


def variable(name: str | None, option: str) -> str | None:
    """Return what a variable holds; one that is named and not set is wrong usage of the option."""
    if name is None:
        return None
    value = environment.variable(name)
    if value is None:
        raise typer.BadParameter(f"the variable {name} is not set", param_hint=option)
    return value


def place(database: str | None, schema: str | None) -> tuple[str | None, str | None]:
    """Return database and schema as Snowflake stores them; the schema may be typed with its database."""
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
