"""From nothing to the first governed row of an account, by commands alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skipass.cli.client import Gateway
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.secret import Secret
from skipass.snowflake import SnowflakeClient

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
DATA = """
CREATE DATABASE SALES_DB;
CREATE TABLE SALES_DB.PUBLIC.ORDERS (ID INT);
INSERT INTO SALES_DB.PUBLIC.ORDERS VALUES (1), (2);
"""


@pytest.fixture(scope="module")
def account() -> Iterator[RunningSandbox]:
    """A new account, with nothing in it."""
    with running_sandbox(bare=True) as sandbox:
        yield sandbox


def as_account_admin(account: RunningSandbox, script: str, warehouse: str | None = None) -> None:
    """Run one statement as the account's admin, or a whole script where a warehouse is named for it."""
    admin = account.users[0]
    login = {"user": admin.login_name, "private_key_path": admin.private_key_path}
    with SnowflakeClient(account="SKIPASS-SANDBOX", host=account.url, **login) as client:
        parameters = {"MULTI_STATEMENT_COUNT": "0"} if warehouse else {}
        client.query(script, parameters=parameters, role="ACCOUNTADMIN", warehouse=warehouse)


def rows(url: str, key: str) -> Any:
    """Ask for a session as the agent would, and query in it."""
    door = Gateway(url, Secret(key))
    wish = {"connection": "sales", "scope": {"schemas": ["SALES_DB.PUBLIC"]}, "ttl_s": 60, "reason": "first row"}
    session = door.post("/sessions", wish)
    call = {"session_id": session["id"], "tool_input": {"statement": "SELECT COUNT(*) FROM orders"}}
    return door.post("/tools/snowflake_execute_query/execute", call)["data"]["data"]


def test_a_stranger_gets_to_the_first_row(
    run: Run, serving_gateway: Callable[..., Any], account: RunningSandbox, tmp_path: Path
) -> None:
    """From init to agent create each command leads to the next; then there is a row, and a record that holds."""
    as_account_admin(account, "CREATE WAREHOUSE ADMIN_WH")
    as_account_admin(account, DATA, "ADMIN_WH")
    home, key = tmp_path / "gateway", tmp_path / "key.p8"
    people = run("init", "--admin", "ana", "--approver", "ben", "--home", home, "--format", "json").json["people"]
    assert [(one["name"], one["roles"]) for one in people] == [("ana", ["admin"]), ("ben", ["approver"])]
    with serving_gateway("--home", home, SKIPASS_EGRESS_ALLOW=account.host) as ready:
        url = ready["url"]
        assert run("login", stdin=people[0]["link"] + "\n", SKIPASS_URL=url).status == 0
        assert run("whoami", "--format", "json").json["roles"] == ["admin"]
        run("key", "new", "--out", key, "--login", "skipass_agent")
        add = ("--account", "SKIPASS-SANDBOX", "--host", account.url, "--login", "skipass_agent", "--private-key", key)
        place = ("--role", "skipass_reader", "--warehouse", "skipass_wh", "--schema", "sales_db.public")
        added = run("connection", "add", "sales", *add, *place)
        assert added.status == 0, added.err
        assert "PRIVATE" not in run("connection", "show", "sales").out
        unready = run("connection", "test", "sales", "--format", "json")
        assert (unready.status, unready.json["ok"]) == (1, False)
        assert run("connection", "setup-sql", "sales", "--private-key", other_key(run, tmp_path)).status == 1
        script = run("connection", "setup-sql", "sales", "--private-key", key)
        assert script.status == 0, script.err
        as_account_admin(account, script.out, "ADMIN_WH")
        tested = run("connection", "test", "sales")
        assert tested.status == 0, tested.out
        made = run("agent", "create", "analyst", "--for", "ana", "--connection", "sales", "--format", "json").json
        assert rows(url, made["api_key"]) == [["2"]]
        (session,) = run("session", "list", "--format", "json").lines
        assert "SELECT COUNT(*) FROM orders" in run("session", "record", session["id"]).out
        assert run("connection", "disable", "sales", "--format", "json").json["state"] == "disabled"
    verified = run("audit", "verify", "--home", home, "--format", "json")
    assert verified.json["ok"] is True
    assert verified.json["checkpoints"] > 0
    assert_no_secret(home, made["api_key"], people[0]["link"].partition("#")[2])


def other_key(run: Run, path: Path) -> Path:
    """Return the file of a key that is not the connection's."""
    run("key", "new", "--out", path / "other.p8")
    return path / "other.p8"


def assert_no_secret(home: Path, *secrets: str) -> None:
    """No file of the gateway holds any of these texts."""
    content = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert [secret for secret in secrets if secret.encode() in content] == []
    assert b"BEGIN PRIVATE KEY" not in (home / "skipass.sqlite3").read_bytes()


def test_init_names_two_people_or_says_what_follows(run: Run, tmp_path: Path) -> None:
    """Without an approver the gap is said; a second init is refused, and so is one person as both."""
    assert run("init", "--admin", "ana", "--approver", "ana", "--home", tmp_path / "a").err.startswith(
        "invalid_request: "
    )
    made = run("init", "--admin", "ana", "--home", tmp_path / "a")
    assert made.status == 0
    assert "/sign-in#" in made.out
    assert "--role approver" in made.err
    again = run("init", "--admin", "eve", "--home", tmp_path / "a")
    assert (again.status, again.out) == (1, "")
    assert again.err.startswith("already_initialised: ")


def test_init_never_asks_where_nobody_could_answer(run: Run, tmp_path: Path) -> None:
    """Without a terminal and without a name it is wrong usage, and nothing is made."""
    found = run("init", "--home", tmp_path / "a", stdin="eve\n")
    assert found.status == 2
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--host", "0.0.0.0"),
        ("--base-url", "http://skipass.example.com"),
        ("--tls-cert", "x"),
        ("--sandbox", "--host", "::"),
    ],
)
def test_serving_unsafely_is_wrong_usage(run: Run, options: tuple[str, ...]) -> None:
    """An open address without https, half a certificate, a sandbox beyond loopback: refused before anything listens."""
    found = run("serve", *options)
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("invalid_request: ")


def test_serving_needs_a_gateway(run: Run, tmp_path: Path) -> None:
    """Where nothing was initialised, serve says what to run."""
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--home", tmp_path / "a", "--port", "0"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert "not_initialised: " in found.stderr
    assert "skipass init" in found.stderr


def test_a_terminal_is_told_what_to_paste(tmp_path: Path) -> None:
    """Without JSON, serve --sandbox prints the key and every client's configuration, and ends on a signal."""
    command = [
        sys.executable,
        "-m",
        "skipass.cli.main",
        "serve",
        "--sandbox",
        "--port",
        "0",
        "--home",
        tmp_path / "home",
    ]
    environment = {**os.environ, "SKIPASS_LOG_LEVEL": "error"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = ""
        while "Ctrl-C" not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    for part in ("export SKIPASS_API_KEY=skp_", "claude mcp add", ".cursor/mcp.json", ".vscode/mcp.json", "/jit/mcp"):
        assert part in told
