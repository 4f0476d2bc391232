"""Connections that other tools wrote down: which source wins, which files are refused, what cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from skipass.snowflake import AsyncSnowflakeClient, SnowflakeClient, SnowflakeConfigError
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.connect import dbt_options_from_connection, login, options_from_connection
from skipass.snowflake.profiles import connection_settings, snowflake_home

pytestmark = pytest.mark.anyio

CONFIG = """
default_connection_name = "work"
[connections.work]
account = "myorg-acc"
user = "jdoe"
authenticator = "OAUTH"
token = "FAKE-CONFIG"
role = "reader"
[connections.other]
account = "myorg-other"
token = "FAKE-OTHER"
"""
CONNECTIONS = """
[work]
account = "myorg-new"
authenticator = "PROGRAMMATIC_ACCESS_TOKEN"
token = "FAKE-PAT"
warehouse = "WH"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory of Snowflake's own files with a `config.toml`."""
    write(tmp_path / "config.toml", CONFIG)
    return tmp_path


def write(path: Path, content: str, mode: int = 0o600) -> None:
    """Write a file with this mode."""
    path.write_text(content)
    path.chmod(mode)


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with this home and nothing of this machine's."""
    return {"SNOWFLAKE_HOME": str(home), **more}


def test_connection_of_the_configuration(home: Path) -> None:
    """A connection is found by its name, or as the default that the file names."""
    assert connection_settings("other", environment(home))["account"] == "myorg-other"
    options = options_from_connection(None, environment(home))
    assert (options["account"], options["token"], options["role"]) == ("myorg-acc", "FAKE-CONFIG", "reader")
    env = environment(home, SNOWFLAKE_DEFAULT_CONNECTION_NAME="other")
    assert options_from_connection(None, env)["token"] == "FAKE-OTHER"


def test_connections_file_replaces_the_section(home: Path) -> None:
    """With a `connections.toml` no connection of `config.toml` counts."""
    write(home / "connections.toml", CONNECTIONS)
    options = options_from_connection(None, environment(home))
    assert (options["account"], options["programmatic_access_token"]) == ("myorg-new", "FAKE-PAT")
    with pytest.raises(SnowflakeConfigError, match="no connection 'other'"):
        options_from_connection("other", environment(home))


def test_order_of_the_environment(home: Path) -> None:
    """The variables of one connection come before its file, the general ones after it, as Snowflake has it."""
    env = environment(
        home,
        SNOWFLAKE_CONNECTIONS_WORK_ROLE="writer",
        SNOWFLAKE_ROLE="nobody",
        SNOWFLAKE_USER="other",
        SNOWFLAKE_WAREHOUSE="GENERAL",
        SNOWFLAKE_PRIVATE_KEY_PATH="/nowhere",
    )
    settings = connection_settings("work", env)
    assert (settings["role"], settings["user"], settings["warehouse"]) == ("writer", "jdoe", "GENERAL")
    assert "private_key_file" not in settings
    alone = environment(home, SNOWFLAKE_CONNECTIONS_NEW_ACCOUNT="a-b", SNOWFLAKE_CONNECTIONS_NEW_TOKEN="FAKE")
    assert options_from_connection("new", alone)["token"] == "FAKE"


def test_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~/.snowflake` counts only if it is there; else it is the system's directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert snowflake_home({"XDG_CONFIG_HOME": str(tmp_path / "x")}) == tmp_path / "x" / "snowflake"
    (tmp_path / ".snowflake").mkdir()
    assert snowflake_home({}) == tmp_path / ".snowflake"


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o602, 0o640])
def test_files_open_to_others_are_refused(home: Path, mode: int) -> None:
    """A file that others may read or write is not used, and the refusal says how to close it."""
    (home / "config.toml").chmod(mode)
    with pytest.raises(SnowflakeConfigError, match="not this user's alone") as caught:
        options_from_connection("work", environment(home))
    assert "chmod 600" in caught.value.hint


def test_broken_files_show_nothing(home: Path) -> None:
    """A file that is not TOML is refused without its content."""
    write(home / "config.toml", 'token = "FAKE-SECRET\n')
    with pytest.raises(SnowflakeConfigError, match="is not TOML") as caught:
        options_from_connection("work", environment(home))
    assert "FAKE" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('password = "FAKE"', "takes no password"),
        ('authenticator = "externalbrowser"', "no sign-in by EXTERNALBROWSER"),
        ('authenticator = "WORKLOAD_IDENTITY"', "has no token"),
        ('authenticator = "WORKLOAD_IDENTITY"\ntoken = "t"\nworkload_identity_provider = "X"', "no provider"),
    ],
)
def test_sign_ins_that_the_sql_api_has_not(home: Path, lines: str, says: str) -> None:
    """What another tool can do and the SQL API cannot is said before any request."""
    write(home / "config.toml", f'[connections.c]\naccount = "a-b"\nuser = "u"\n{lines}\n')
    with pytest.raises(SnowflakeConfigError, match=says):
        options_from_connection("c", environment(home))


async def test_token_file_and_key_of_a_connection(home: Path) -> None:
    """A connection may name a token file or a key file; both become a token source."""
    write(home / "token", "FAKE-FILE\n")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"sesame")
    )
    write(home / "key.p8", key.decode())
    write(
        home / "connections.toml",
        f'[t]\naccount = "a-b"\nauthenticator = "oauth"\ntoken_file_path = "{home}/token"\n'
        f'[k]\naccount = "a-b"\nuser = "u"\nauthenticator = "SNOWFLAKE_JWT"\nprivate_key_path = "{home}/key.p8"\n'
        'private_key_file_pwd = "sesame"\n[l]\naccount = "a-b"\nhost = "localhost"\nport = 8080\n'
        'protocol = "http"\ntoken = "FAKE"\n',
    )
    tokens = login(options_from_connection("t", environment(home))).tokens
    assert (await tokens.token()).value.reveal() == "FAKE-FILE"
    assert isinstance(login(options_from_connection("k", environment(home))).tokens, KeyPairTokens)
    assert login(options_from_connection("l", environment(home))).target.base_url == "http://localhost:8080"


def test_clients_of_a_connection(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients are made of a connection by its name."""
    monkeypatch.setenv("SNOWFLAKE_HOME", str(home))
    with SnowflakeClient.from_connection("work") as client:
        assert client is not None
    assert AsyncSnowflakeClient.from_connection() is not None
    with pytest.raises(SnowflakeConfigError, match="no connection"):
        SnowflakeClient.from_connection("nothing")


DBT = """
shop:
  target: "{{ env_var('DBT_TARGET', 'dev') }}"
  outputs:
    dev:
      type: snowflake
      account: myorg-acc
      user: "{{ env_var('DBT_USER') }}"
      authenticator: oauth
      token: "{{ env_var('DBT_TOKEN') }}"
      role: analyst
      database: SALES
      schema: PUBLIC
      threads: 4
    local: {type: duckdb}
    odd: {type: snowflake, account: "{{ target.name }}"}
"""


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"target": "local"}, "not one of Snowflake"),
        ({"target": "odd"}, "other than env_var"),
        ({"environ": {}}, "needs the environment variable DBT_USER"),
        ({"profile": "none"}, "no profile 'none'"),
        ({"directory": "/nowhere"}, "There is no"),
    ],
)
def test_dbt_profiles(tmp_path: Path, more: dict[str, Any], wanted: str) -> None:
    """A dbt target gives login and defaults with its variables filled in; what cannot be read so is refused."""
    write(tmp_path / "profiles.yml", DBT)
    env = {"DBT_USER": "jdoe", "DBT_TOKEN": "{{ FAKE }}", "DBT_PROFILES_DIR": str(tmp_path)}
    options = dbt_options_from_connection("shop", environ=env)
    assert (options["account"], options["user"], options["token"]) == ("myorg-acc", "jdoe", "{{ FAKE }}")
    assert (options["role"], options["database"], options["schema"]) == ("analyst", "SALES", "PUBLIC")
    asked: dict[str, Any] = {"profile": "shop", "directory": tmp_path, "environ": env} | more
    with pytest.raises(SnowflakeConfigError, match=wanted):
        dbt_options_from_connection(**asked)
