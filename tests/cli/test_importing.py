"""Connections of other tools, registered from their files: what goes over, what waits, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
PLACE = 'account = "SKIPASS-SANDBOX"\nrole = "agent_role"\nwarehouse = "agent_wh"\n'


@pytest.fixture
def admin(run: Run, sandboxed: dict[str, Any]) -> Run:
    """Run a command as the shared gateway's admin."""
    return partial(run, SKIPASS_URL=sandboxed["url"], SKIPASS_API_KEY=sandboxed["admin"]["api_key"])


@pytest.fixture
def entry(tmp_path: Path, sandboxed: dict[str, Any]) -> Callable[..., Path]:
    """Write a file of Snowflake's tools, by default its owner's alone, with KEY a file that holds the service's key."""
    account = sandboxed["sandbox"]
    service = account["users"][-1]
    key = tmp_path / "key.p8"
    key.write_bytes(Path(service["private_key_path"]).read_bytes())
    key.chmod(0o600)

    def write(text: str, name: str = "connections.toml", mode: int = 0o600) -> Path:
        file = tmp_path / name
        words = {"PLACE": PLACE, "LOGIN": service["login_name"], "KEY": str(key), "HOST": account["account_url"]}
        for word, value in words.items():
            text = text.replace(word, value)
        file.write_text(text)
        file.chmod(mode)
        return file

    return write


KEYED = '[svc]\nPLACEhost = "HOST"\nuser = "LOGIN"\nauthenticator = "SNOWFLAKE_JWT"\nprivate_key_file = "KEY"\n'


def imported(found: Any) -> dict[str, Any]:
    assert found.status == 0, found.err
    told: dict[str, Any] = found.json
    return told


def test_a_key_pair_goes_over_and_works(admin: Run, entry: Callable[..., Path]) -> None:
    """The entry's key signs the gateway in: the connection is tested at once, and names are as Snowflake has them."""
    made = imported(admin("connection", "import", "imported-key", "--from", entry(KEYED), "--format", "json"))
    assert (made["auth_method"], made["role"], made["warehouse"]) == ("key_pair", "AGENT_ROLE", "AGENT_WH")
    assert admin("connection", "test", "imported-key").status == 0


def test_the_tool_s_own_directory_is_found(admin: Run, entry: Callable[..., Path], tmp_path: Path) -> None:
    """A bare file name is looked for where Snowflake's tools keep it, and one of several entries is named."""
    other = '[connections.people]\nPLACEauthenticator = "externalbrowser"\nuser = "X"\n'
    entry(KEYED.replace("[svc]", "[connections.svc]") + other, "config.toml")
    command = ("connection", "import", "imported-home", "--from", "config.toml", "--format", "json")
    several = admin(*command, SNOWFLAKE_HOME=str(tmp_path))
    assert (several.status, "Known: people, svc." in several.err) == (1, True)
    made = imported(admin(*command, "--connection-name", "people", SNOWFLAKE_HOME=str(tmp_path)))
    assert (made["auth_method"], made["per_user"], made["login"]) == ("snowflake_oauth", True, "")


def test_dbt_s_profile_goes_over(admin: Run, entry: Callable[..., Path]) -> None:
    """A target of dbt's profiles becomes a connection, its variables filled in."""
    output = {"type": "snowflake", "account": "SKIPASS-SANDBOX", "user": "LOGIN", "role": "{{ env_var('DBT_ROLE') }}"}
    output |= {"private_key_path": "KEY", "warehouse": "AGENT_WH", "database": "OPS_DB", "schema": "OPS"}
    file = entry(json.dumps({"shop": {"target": "prod", "outputs": {"prod": output}}}), "profiles.yml")
    command = ("connection", "import", "imported-dbt", "--from", file, "--format", "json")
    assert admin(*command).status == 2
    made = imported(admin(*command, "--profile", "shop", DBT_ROLE="agent_role"))
    assert (made["auth_method"], made["role"], made["schema"]) == ("key_pair", "AGENT_ROLE", "OPS")


@pytest.mark.parametrize(
    ("line", "options", "auth"),
    [
        ('authenticator = "externalbrowser"', (), "snowflake_oauth"),
        ('authenticator = "OAUTH"\ntoken = "PLANTED"', (), "snowflake_oauth"),
        ('token = "PLANTED"', (), "snowflake_oauth"),
        ('authenticator = "OAUTH"\ntoken = "PLANTED"', ("--external",), "external_oauth"),
        ('authenticator = "https://example.okta.com"\npassword = "PLANTED"', (), "external_oauth"),
    ],
)
def test_what_takes_a_browser_waits_for_its_client(
    admin: Run, entry: Callable[..., Path], line: str, options: tuple[str, ...], auth: str
) -> None:
    """Entries for people become a connection with a redirect URI, for each user; their secret stays behind."""
    name = f"imported-{len(line)}-{len(options)}"
    found = admin("connection", "import", name, "--from", entry(f'[x]\nPLACEuser = "U"\n{line}\n'), *options)
    assert found.status == 0, found.err
    assert "waits for its client" in found.err
    assert "Redirect URI: http" in found.err
    shown = admin("connection", "show", name, "--format", "json").json
    assert (shown["auth_method"], shown["per_user"], shown["registrations"][0]["client_id"]) == (auth, True, "")
    assert "PLANTED" not in found.out + found.err + json.dumps(shown)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ('[x]\nPLACEuser = "U"\npassword = "PLANTED"\n', 0o600, "skipass key new --login U"),
        (
            '[x]\nPLACEuser = "U"\nauthenticator = "username_password_mfa"\npassword = "PLANTED"\n',
            0o600,
            "by a password",
        ),
        (KEYED, 0o640, "not this user's alone"),
        (
            KEYED.replace('private_key_file = "KEY"', 'private_key_raw = "PLANTED"'),
            0o600,
            "The private key cannot be read",
        ),
        ('[x]\nPLACEuser = "U"\nauthenticator = "WORKLOAD_IDENTITY"\n', 0o600, "no sign-in by WORKLOAD_IDENTITY"),
        ('[x]\nuser = "U"\nauthenticator = "externalbrowser"\nrole = "R"\n', 0o600, "names no account"),
        ('[x]\naccount = "A-B"\nauthenticator = "externalbrowser"\n', 0o600, "names no role"),
        ('[x]\nPLACEauthenticator = "PROGRAMMATIC_ACCESS_TOKEN"\ntoken = "PLANTED"\n', 0o600, "names no user"),
        ('[x]\nPLACEuser = "U"\nauthenticator = "PROGRAMMATIC_ACCESS_TOKEN"\n', 0o600, "has no token"),
        ("[x\n", 0o600, "is not TOML"),
        ("", 0o600, "no connections in"),
    ],
)
def test_what_cannot_go_over_is_refused(
    admin: Run, entry: Callable[..., Path], text: str, mode: int, said: str
) -> None:
    """Passwords, files that others can read, and entries that lack something: said with what to do, nothing made."""
    found = admin("connection", "import", "imported-never", "--from", entry(text, mode=mode))
    assert (found.status, found.out) == (1, "")
    assert said in found.err
    assert "PLANTED" not in found.err
    assert "unknown_connection" in admin("connection", "show", "imported-never").err


def test_a_key_that_others_can_read_is_refused(admin: Run, entry: Callable[..., Path], tmp_path: Path) -> None:
    """The entry's file may be safe and the key it names not: then nothing is registered."""
    file = entry(KEYED)
    (tmp_path / "key.p8").chmod(0o644)
    found = admin("connection", "import", "imported-never", "--from", file)
    assert (found.status, "Others can read" in found.err) == (1, True)


def test_a_token_is_read_from_its_own_file(admin: Run, entry: Callable[..., Path], tmp_path: Path) -> None:
    """A programmatic access token goes over from the file the entry names, if that is its owner's alone."""
    token = tmp_path / "token.txt"
    token.write_text("PLANTED-TOKEN\n")
    token.chmod(0o600)
    text = f'[x]\nPLACEuser = "U"\nauthenticator = "PROGRAMMATIC_ACCESS_TOKEN"\ntoken_file_path = "{token}"\n'
    file = entry(text)
    made = imported(admin("connection", "import", "imported-pat", "--from", file, "--format", "json"))
    assert (made["auth_method"], made["login"]) == ("pat", "U")
    token.chmod(0o604)
    found = admin("connection", "import", "imported-pat-2", "--from", file)
    assert (found.status, "not this user's alone" in found.err) == (1, True)
