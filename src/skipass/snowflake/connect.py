"""From what a person passes or sets in the environment to a target and a source of tokens.

Reads the environment only when asked to; files are the business of `profiles`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from skipass.clock import Clock
from skipass.secret import Secret
from skipass.snowflake.account import Account, Target, parse_account, target_of
from skipass.snowflake.auth.fetched import token_file, workload_identity
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.auth.keys import load_private_key, read_private_key
from skipass.snowflake.auth.tokens import TokenSource, TokenType, oauth_token, programmatic_access_token
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.profiles import Settings, connection_settings, dbt_settings, environment_settings

Text = str | Secret[str]


@dataclass(frozen=True, slots=True)
class Login:
    """Where to send requests, and as whom."""

    target: Target
    tokens: TokenSource


class LoginOptions(TypedDict, total=False):
    """What names an account and a credential; exactly one credential is given."""

    account: str | None
    user: str | None
    private_key: bytes | Text | None
    private_key_path: str | Path | None
    private_key_passphrase: Text | None
    token: Text | None
    programmatic_access_token: Text | None
    tokens: TokenSource | None
    host: str | None


class Defaults(TypedDict, total=False):
    """SQL identifiers that a statement gets when it names none itself."""

    role: str | None
    warehouse: str | None
    database: str | None
    schema: str | None


def login(options: LoginOptions, clock: Clock | None = None) -> Login:
    """Return target and tokens of these options, or raise `SnowflakeConfigError` before anything is sent."""
    given = [name for name in _CREDENTIALS if options.get(name)]
    if len(given) != 1:
        found = "No credential is given." if not given else f"Several credentials are given: {', '.join(given)}."
        raise SnowflakeConfigError(found, hint=f"Give one of {', '.join(_CREDENTIALS)}.")
    text = options.get("account")
    account = parse_account(text) if text else None
    return Login(target_of(account, options.get("host")), _tokens(options, account, clock))


_CREDENTIALS = ("private_key", "private_key_path", "token", "programmatic_access_token", "tokens")


def _tokens(options: LoginOptions, account: Account | None, clock: Clock | None) -> TokenSource:
    if source := options.get("tokens"):
        return source
    if token := options.get("token"):
        return oauth_token(token)
    if secret := options.get("programmatic_access_token"):
        return programmatic_access_token(secret)
    if account is None or not options.get("user"):
        raise SnowflakeConfigError("Key-pair sign-in needs the account and the user beside the key.")
    passphrase = options.get("private_key_passphrase")
    if path := options.get("private_key_path"):
        key = read_private_key(path, passphrase)
    else:
        content = options.get("private_key") or b""
        key = load_private_key(content.reveal() if isinstance(content, Secret) else content, passphrase)
    return KeyPairTokens(account.claim_account, options.get("user") or "", key, clock=clock)


def login_from_env(environ: Mapping[str, str] | None = None) -> LoginOptions:
    """Return the options that `SNOWFLAKE_ACCOUNT`, `_USER`, `_HOST` and one credential in the environment make.

    A credential is `SNOWFLAKE_PRIVATE_KEY_PATH` (or `_FILE`) or `SNOWFLAKE_PRIVATE_KEY_RAW` with
    `SNOWFLAKE_PRIVATE_KEY_PASSPHRASE`, or `SNOWFLAKE_TOKEN` (or `_TOKEN_FILE_PATH`), which `SNOWFLAKE_AUTHENTICATOR`
    may call a programmatic access token.
    """
    env = os.environ if environ is None else environ
    return login_of(_with_passphrase(environment_settings(env), env))


def defaults_from_env(environ: Mapping[str, str] | None = None) -> Defaults:
    """Return the defaults that `SNOWFLAKE_ROLE`, `_WAREHOUSE`, `_DATABASE` and `_SCHEMA` make."""
    return defaults_of(environment_settings(os.environ if environ is None else environ))


def options_from_connection(name: str | None, environ: Mapping[str, str] | None = None) -> ConnectOptions:
    """Return the options of a connection in Snowflake's own files (`profiles.connection_settings`)."""
    env = os.environ if environ is None else environ
    settings = _with_passphrase(connection_settings(name, env), env)
    return {**login_of(settings), **defaults_of(settings)}


def dbt_options_from_connection(
    profile: str,
    target: str | None = None,
    *,
    directory: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> ConnectOptions:
    """Return the options of a target in dbt's profiles (`profiles.dbt_settings`)."""
    env = os.environ if environ is None else environ
    settings = dbt_settings(profile, target, directory=directory, environ=env)
    return {**login_of(settings), **defaults_of(settings)}


class ConnectOptions(LoginOptions, Defaults, total=False):
    """Everything that a connection of a file may set."""


def login_of(settings: Settings) -> LoginOptions:
    """Return the login that settings name in the words of Snowflake's tools; others than the SQL API's are refused."""
    method = settings.get("authenticator", "").upper()
    options: LoginOptions = {
        "account": settings.get("account"),
        "user": settings.get("user"),
        "host": host_of(settings),
    }
    if method in _BY_TOKEN:
        return options | _token_login(method, settings)
    if method not in _BY_KEY:
        method_hint = "Use SNOWFLAKE_JWT, OAUTH, PROGRAMMATIC_ACCESS_TOKEN or WORKLOAD_IDENTITY."
        raise SnowflakeConfigError(f"The SQL API has no sign-in by {method}.", hint=method_hint)
    options["private_key_path"] = settings.get("private_key_file")
    options["private_key"] = settings.get("private_key_raw")
    options["private_key_passphrase"] = settings.get("private_key_passphrase")
    if not method:
        options |= _token_login("OAUTH", settings)
    if not any(options.get(name) for name in _CREDENTIALS) and settings.get("password"):
        raise SnowflakeConfigError(
            "The SQL API takes no password.", hint="Use a key pair or a programmatic access token instead."
        )
    return options


def defaults_of(settings: Settings) -> Defaults:
    """Return the role, warehouse, database and schema of settings."""
    return {
        "role": settings.get("role"),
        "warehouse": settings.get("warehouse"),
        "database": settings.get("database"),
        "schema": settings.get("schema"),
    }


def _token_login(method: str, settings: Settings) -> LoginOptions:
    path, token = settings.get("token_file_path"), settings.get("token")
    if method == "WORKLOAD_IDENTITY":
        if not token:
            raise SnowflakeConfigError("The workload identity has no token.", hint="Give token, or use tokens=.")
        return {"tokens": workload_identity(settings.get("workload_identity_provider", ""), _fixed(token))}
    is_pat = method.startswith("PROGRAMMATIC")
    if path and not token:
        return {"tokens": token_file(path, TokenType.PROGRAMMATIC_ACCESS_TOKEN if is_pat else TokenType.OAUTH)}
    return {"programmatic_access_token": token} if is_pat else {"token": token}


def _fixed(token: str) -> Callable[[], Awaitable[str]]:
    async def fetch() -> str:
        return token

    return fetch


def host_of(settings: Settings) -> str | None:
    """Return the host to dial, with scheme and port where settings name them; None for the account's own."""
    host, port = settings.get("host"), settings.get("port")
    if not host or "://" in host:
        return host
    scheme = settings.get("protocol", "https")
    return f"{scheme}://{host}{f':{port}' if port else ''}" if port or scheme != "https" else host


def _with_passphrase(settings: Settings, env: Mapping[str, str]) -> Settings:
    passphrase = env.get("PRIVATE_KEY_PASSPHRASE")
    return {"private_key_passphrase": passphrase, **settings} if passphrase else settings


_BY_TOKEN = (
    "OAUTH",
    "PROGRAMMATIC_ACCESS_TOKEN",
    "PROGRAMMATIC_ACCESS_TOKEN_WITH_EXTERNAL_SESSION",
    "WORKLOAD_IDENTITY",
)
_BY_KEY = ("", "SNOWFLAKE", "SNOWFLAKE_JWT", "KEYPAIR_JWT")
