"""Connections that other tools have written down: Snowflake's own files, and dbt's profiles.

Reads files, and only when asked to; the environment is passed in. What is in a file decides about a credential, so a
file that others may write, or read, is refused.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from skipass.snowflake.errors import SnowflakeConfigError

Settings = dict[str, str]
_ALIASES = {
    "private_key_path": "private_key_file",
    "private_key_file_pwd": "private_key_passphrase",
    "private_key": "private_key_raw",
    "accountname": "account",
    "username": "user",
    "schemaname": "schema",
    "dbname": "database",
    "rolename": "role",
    "warehousename": "warehouse",
}
KEYS = frozenset({
    "account", "user", "host", "port", "protocol", "authenticator", "token", "token_file_path", "private_key_file",
    "private_key_raw", "private_key_passphrase", "password", "role", "warehouse", "database", "schema",
    "workload_identity_provider",
})  # fmt: skip
_CREDENTIALS = ("authenticator", "token", "token_file_path", "private_key_file", "private_key_raw", "password")
_ENV_VAR = re.compile(r"""\{\{\s*env_var\(\s*['"](\w+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)\s*\}\}""")


def snowflake_home(environ: Mapping[str, str]) -> Path:
    """Return the directory of Snowflake's own files: SNOWFLAKE_HOME or ~/.snowflake if it is there, else the system's.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-cli/connecting/configure-cli
    """
    home = Path(environ.get("SNOWFLAKE_HOME") or "~/.snowflake").expanduser()
    if home.is_dir():
        return home
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/snowflake").expanduser()
    if sys.platform == "win32":
        return Path("~/AppData/Local/snowflake").expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "snowflake"


def connection_settings(name: str | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a named connection, in the order that Snowflake's own tools use.

    `SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>` comes before the file, and the file before `SNOWFLAKE_<KEY>`; a credential of
    either keeps out all of the last. The connections of `connections.toml` replace those of `config.toml`. Without a
    name it is `SNOWFLAKE_DEFAULT_CONNECTION_NAME`, then `default_connection_name` of `config.toml`, then `default`.
    Source: https://docs.snowflake.com/en/developer-guide/snowflake-cli/connecting/configure-connections
    """
    home = snowflake_home(environ)
    config = _toml(home / "config.toml")
    connections = _toml(home / "connections.toml") or config.get("connections") or {}
    preset = environ.get("SNOWFLAKE_DEFAULT_CONNECTION_NAME") or config.get("default_connection_name")
    chosen = name or preset or "default"
    own = environment_settings(environ, f"SNOWFLAKE_CONNECTIONS_{str(chosen).upper()}_")
    found = connections.get(chosen)
    if not isinstance(found, dict) and not own:
        known = ", ".join(sorted(connections)) or "none"
        raise SnowflakeConfigError(f"There is no connection {chosen!r} in {home}.", hint=f"Known: {known}.")
    named = _known(found or {}) | own
    usual = environment_settings(environ)
    if any(key in named for key in _CREDENTIALS):
        usual = {key: value for key, value in usual.items() if key not in _CREDENTIALS}
    return usual | named


def entry(path: Path, name: str | None = None) -> Settings:
    """Return one connection of a `connections.toml`, or of a `config.toml`'s table `connections`, and nothing else.

    Without a name it is the only one there is; the environment is not asked.
    """
    found = _toml(path)
    if not found:
        raise SnowflakeConfigError(f"There are no connections in {path}.")
    tables = found["connections"] if isinstance(found.get("connections"), dict) and "account" not in found else found
    every = {key: value for key, value in tables.items() if isinstance(value, dict)}
    wanted = name or (next(iter(every)) if len(every) == 1 else None)
    if wanted is None or wanted not in every:
        missing = f"There is no connection {wanted!r} in {path}." if wanted else f"{path} has several connections."
        raise SnowflakeConfigError(missing, hint=f"Known: {', '.join(sorted(every)) or 'none'}.")
    return _known(every[wanted])


def own_text(path: Path) -> str:
    """Return the text of a file that is this user's alone, such as a token's; raises `SnowflakeConfigError` else."""
    content = _read(path)
    if content is None:
        raise SnowflakeConfigError(f"There is no {path}.")
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise SnowflakeConfigError(f"{path} is not text.") from None


def environment_settings(environ: Mapping[str, str], prefix: str = "SNOWFLAKE_") -> Settings:
    """Return the settings that the environment names with this prefix."""
    names = {name.removeprefix(prefix).lower(): name for name in environ if name.startswith(prefix)}
    return _known({key: environ[name] for key, name in names.items()})


def dbt_settings(
    profile: str,
    target: str | None = None,
    *,
    directory: str | Path | None = None,
    environ: Mapping[str, str],
) -> Settings:
    """Return the settings of a Snowflake target in dbt's `profiles.yml`; `env_var(…)` is the one expression it knows.

    The directory is the one given, then `DBT_PROFILES_DIR`, then the current one if the file is there, then `~/.dbt`.
    Source: https://docs.getdbt.com/docs/core/connect-data-platform/profiles.yml
    """
    path = _dbt_directory(directory, environ) / "profiles.yml"
    profiles = _yaml(path)
    chosen = profiles.get(profile)
    if not isinstance(chosen, dict):
        raise SnowflakeConfigError(f"There is no profile {profile!r} in {path}.")
    outputs = chosen.get("outputs")
    name = target or _expanded(str(chosen.get("target") or "default"), environ)
    output = outputs.get(name) if isinstance(outputs, dict) else None
    if not isinstance(output, dict) or output.get("type") != "snowflake":
        raise SnowflakeConfigError(f"Target {name!r} of profile {profile!r} is not one of Snowflake.")
    return _known({key: _expanded(str(value), environ) for key, value in output.items() if value is not None})


def _dbt_directory(given: str | Path | None, environ: Mapping[str, str]) -> Path:
    if chosen := given or environ.get("DBT_PROFILES_DIR"):
        return Path(chosen).expanduser()
    here = Path.cwd()
    return here if (here / "profiles.yml").is_file() else Path("~/.dbt").expanduser()


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = environ.get(match[1], match[2])
        if found is None:
            raise SnowflakeConfigError(f"The profile needs the environment variable {match[1]}.")
        return found

    expanded = _ENV_VAR.sub(value, text)
    if "{{" in _ENV_VAR.sub("", text) or "{%" in _ENV_VAR.sub("", text):
        raise SnowflakeConfigError("The profile holds an expression other than env_var(…).")
    return expanded


def _known(settings: Mapping[str, object]) -> Settings:
    named = {_ALIASES.get(key.lower(), key.lower()): str(value) for key, value in settings.items() if value is not None}
    return {key: value for key, value in named.items() if key in KEYS and value}


def _toml(path: Path) -> dict[str, Any]:
    content = _read(path)
    try:
        return tomllib.loads(content.decode()) if content is not None else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's message may quote the line, and the line may be a secret.
        raise SnowflakeConfigError(f"{path} is not TOML.") from None


def _yaml(path: Path) -> dict[str, Any]:
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise SnowflakeConfigError("Reading dbt's profiles needs PyYAML.", hint="pip install pyyaml") from None
    content = _read(path)
    if content is None:
        raise SnowflakeConfigError(f"There is no {path}.")
    try:
        profiles = yaml.safe_load(content)
    except yaml.YAMLError:
        raise SnowflakeConfigError(f"{path} is not YAML.") from None
    return profiles if isinstance(profiles, dict) else {}


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SnowflakeConfigError(f"{path} cannot be read: {error.strerror}.") from None


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Refuse a file that is not this user's alone, as Snowflake's command line does."""
    if sys.platform == "win32":
        return
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid not in (0, os.getuid()):
        raise SnowflakeConfigError(
            f"{path} is not this user's alone (mode {stat.S_IMODE(found.st_mode):04o}).",
            hint=f"chown $USER {path} && chmod 600 {path}",
        )
