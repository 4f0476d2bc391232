"""Connections that other tools have written down, registered here: Snowflake's own files, and dbt's profiles.

What signs in by itself becomes a connection as it stands; what takes a person's browser becomes one that waits for its
client. A password never goes on from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skipass.cli import environment
from skipass.cli.client import gateway
from skipass.cli.connection_options import COLUMNS, NameArgument
from skipass.cli.failures import Refusal
from skipass.cli.keyfiles import pem_of, private_pem
from skipass.cli.options import FormatOption
from skipass.cli.output import Format, note, show_object

if TYPE_CHECKING:
    from skipass.snowflake.profiles import Settings

_OWN_FILES = ("connections.toml", "config.toml")
_BY_KEY = ("SNOWFLAKE_JWT", "KEYPAIR_JWT")
_BY_BROWSER = ("EXTERNALBROWSER", "OAUTH", "OAUTH_AUTHORIZATION_CODE", "OAUTH_CLIENT_CREDENTIALS")


def import_(
    *,
    name: NameArgument,
    source: Annotated[
        str,
        typer.Option("--from", metavar="FILE|dbt", help="connections.toml or config.toml, or a path to one; or dbt."),
    ],
    connection_name: Annotated[
        str | None, typer.Option("--connection-name", help="Of Snowflake's files: which entry, if there are several.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Of dbt: which profile.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Of dbt: which target, if not the profile's.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Role of sessions, if not the entry's.")] = None,
    external: Annotated[
        bool, typer.Option("--external", help="Users sign in at an identity provider, not at Snowflake itself.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Register a connection from what another tool has of it; the other tool's file stays as it is."""
    settings = _settings(source, connection_name, profile, target)
    body = {"name": name, **_place(settings, role), **_login(settings, external)}
    made = gateway().post("/connections", body)
    show_object(made, form, COLUMNS)
    for remark in made["remarks"]:
        note(remark)
    if form is Format.TABLE:
        _next(name, made)


def _next(name: str, made: Mapping[str, Any]) -> None:
    if made["per_user"]:
        note(
            "Each user signs in for themself: login and token of the entry stay where they are, and "
            f"{name} waits for its client: skipass connection client {name}"
        )
        return
    note(f"One login serves everybody: {made['login']}. Next: skipass connection test {name}")
    note("The role should reach what agents may reach and no more; the test names what is wider.")


def _settings(source: str, connection_name: str | None, profile: str | None, target: str | None) -> Settings:
    from skipass.snowflake.profiles import dbt_settings, entry, snowflake_home

    environ = environment.everything()
    if source == "dbt" or source.endswith((".yml", ".yaml")):
        if profile is None:
            raise typer.BadParameter("name the profile", param_hint="--profile")
        directory = None if source == "dbt" else Path(source).parent
        return dbt_settings(profile, target, directory=directory, environ=environ)
    path = Path(source).expanduser()
    if source in _OWN_FILES and not path.exists():
        path = snowflake_home(environ) / source
    return entry(path, connection_name)


def _place(settings: Settings, role: str | None) -> dict[str, Any]:
    from skipass.snowflake.connect import host_of
    from skipass.snowflake.identifiers import body_field

    wanted = role or settings.get("role")
    if wanted is None:
        raise Refusal("missing_field", "The entry names no role.", "--role names the one that sessions have.")
    folded: dict[str, Any] = {
        member: body_field(settings[member]) for member in ("warehouse", "database", "schema") if member in settings
    }
    if "account" not in settings:
        raise Refusal("missing_field", "The entry names no account.", "It needs account, such as MYORG-MYACCOUNT.")
    return {"account": settings["account"], "host": host_of(settings), "role": body_field(wanted), **folded}


def _login(settings: Settings, external: bool) -> dict[str, Any]:
    """Return by what the connection signs in; raises `invalid_request` for what the gateway has no way for."""
    method = settings.get("authenticator", "").upper()
    keyed = "private_key_file" in settings or "private_key_raw" in settings
    only_token = not method and not keyed and ("token" in settings or "token_file_path" in settings)
    if method in _BY_BROWSER or method.startswith("HTTPS://") or only_token:
        return {"auth": "external_oauth" if external or method.startswith("HTTPS://") else "snowflake_oauth"}
    if method.startswith("PROGRAMMATIC_ACCESS_TOKEN"):
        return {"auth": "pat", "login": _user(settings), "token": _token(settings)}
    if method in _BY_KEY or (keyed and method in ("", "SNOWFLAKE")):
        return {"auth": "key_pair", "login": _user(settings), "private_key": _key(settings)}
    if method in ("", "SNOWFLAKE", "USERNAME_PASSWORD_MFA"):
        login = settings.get("user", "LOGIN")
        raise Refusal(
            "invalid_request",
            "The entry signs in by a password, which the gateway never takes.",
            f"For a service: skipass key new --login {login}, then connection add --private-key. "
            "For people: connection add --auth snowflake_oauth.",
        )
    hint = "It takes key pairs, programmatic access tokens, and people's sign-in by OAuth."
    raise Refusal("invalid_request", f"The gateway has no sign-in by {method}.", hint)


def _user(settings: Settings) -> str:
    if "user" not in settings:
        raise Refusal("missing_field", "The entry names no user.", "A key or token belongs to one: user = …")
    return settings["user"]


def _key(settings: Settings) -> str:
    from skipass.snowflake.auth.keys import load_private_key

    passphrase = settings.get("private_key_passphrase") or environment.variable("PRIVATE_KEY_PASSPHRASE")
    if "private_key_file" in settings:
        return private_pem(Path(settings["private_key_file"]).expanduser(), passphrase, private=True).reveal()
    return pem_of(load_private_key(settings.get("private_key_raw", ""), passphrase)).reveal()


def _token(settings: Settings) -> str:
    from skipass.snowflake.profiles import own_text

    token = settings.get("token")
    if token is None and "token_file_path" in settings:
        token = own_text(Path(settings["token_file_path"]).expanduser())
    if not token:
        raise Refusal("missing_field", "The entry has no token.", "It needs token or token_file_path.")
    return token
