"""From what a person passes or sets in the environment to a target and a source of tokens.

The one module of the client that reads the environment, and only when asked to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from skipass.clock import Clock
from skipass.secret import Secret
from skipass.snowflake.account import Account, Target, parse_account, target_of
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.auth.keys import load_private_key, read_private_key
from skipass.snowflake.auth.tokens import TokenSource, oauth_token, programmatic_access_token
from skipass.snowflake.errors import SnowflakeConfigError

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
    `SNOWFLAKE_PRIVATE_KEY_PASSPHRASE`, or `SNOWFLAKE_TOKEN`, read as a programmatic access token when
    `SNOWFLAKE_AUTHENTICATOR` says so.
    """
    env = os.environ if environ is None else environ
    options: LoginOptions = {
        "account": env.get("SNOWFLAKE_ACCOUNT"),
        "user": env.get("SNOWFLAKE_USER"),
        "host": env.get("SNOWFLAKE_HOST"),
        "private_key_path": env.get("SNOWFLAKE_PRIVATE_KEY_PATH") or env.get("SNOWFLAKE_PRIVATE_KEY_FILE"),
        "private_key": env.get("SNOWFLAKE_PRIVATE_KEY_RAW"),
        "private_key_passphrase": env.get("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE") or env.get("PRIVATE_KEY_PASSPHRASE"),
    }
    if env.get("SNOWFLAKE_AUTHENTICATOR", "").upper() == "PROGRAMMATIC_ACCESS_TOKEN":
        options["programmatic_access_token"] = env.get("SNOWFLAKE_TOKEN")
    else:
        options["token"] = env.get("SNOWFLAKE_TOKEN")
    return options


def defaults_from_env(environ: Mapping[str, str] | None = None) -> Defaults:
    """Return the defaults that `SNOWFLAKE_ROLE`, `_WAREHOUSE`, `_DATABASE` and `_SCHEMA` make."""
    env = os.environ if environ is None else environ
    return {
        "role": env.get("SNOWFLAKE_ROLE"),
        "warehouse": env.get("SNOWFLAKE_WAREHOUSE"),
        "database": env.get("SNOWFLAKE_DATABASE"),
        "schema": env.get("SNOWFLAKE_SCHEMA"),
    }
