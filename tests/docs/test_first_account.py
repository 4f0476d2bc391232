"""The page from a clone to the first row, executed: its commands, in its order, with every value pasted by a script."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from docs.pages import commands
from skipass.snowflake import SnowflakeClient

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PAGE = "first-account.md"
ACCOUNT = "MYORG-MYACCOUNT"
# The environment these make is the one this test runs in.
INSTALL = ["make setup", ". .venv/bin/activate"]
QUESTION = "SELECT COUNT(*) FROM orders"
DATA = """
CREATE WAREHOUSE ADMIN_WH;
CREATE DATABASE SALES_DB;
CREATE TABLE SALES_DB.PUBLIC.ORDERS (ID INT);
INSERT INTO SALES_DB.PUBLIC.ORDERS VALUES (1), (2);
"""


@contextmanager
def process(command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a command that stays up, and stop it as Ctrl-C does."""
    started = subprocess.Popen(shlex.split(command), text=True, stdout=subprocess.PIPE, **options)
    with started:
        try:
            yield started
        finally:
            started.send_signal(signal.SIGINT)
            assert started.wait(30) == 0


@dataclass(slots=True)
class Worksheet:
    """A worksheet of the account's admin: runs what is pasted one by one, and remembers the role it switched to."""

    account: dict[str, Any]
    role: str = "ACCOUNTADMIN"

    def paste(self, script: str) -> None:
        """Run every statement of a script; comments and blank lines do nothing."""
        admin = self.account["users"][0]
        login = {"user": admin["login_name"], "private_key_path": admin["private_key_path"]}
        with SnowflakeClient(account=self.account["account"], host=self.account["account_url"], **login) as client:
            for line in script.splitlines():
                statement = line.partition("--")[0].strip().rstrip(";")
                if switched := re.fullmatch(r"USE ROLE (\w+)", statement):
                    self.role = switched[1]
                elif statement:
                    warehouse = "ADMIN_WH" if statement.startswith("INSERT") else None
                    client.query(statement, role=self.role, warehouse=warehouse)


@dataclass(slots=True)
class Terminal:
    """A shell in which a page's commands are run one after the other; `said` keeps what each printed."""

    environment: dict[str, str]
    folder: Path
    said: dict[str, str] = field(default_factory=dict)
    pasted: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, stdin: str = "", status: int = 0) -> str:
        """Run one command of the page with its placeholders filled in, and return its standard output."""
        real = re.sub("|".join(self.pasted) or "$^", lambda found: self.pasted[found[0]], command)
        ran = subprocess.run(
            ["bash", "-c", real],
            input=stdin,
            env=self.environment,
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
        )
        assert ran.returncode == status, f"{command}\n{ran.stdout}{ran.stderr}"
        self.said[command] = ran.stdout
        return ran.stdout


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, Any]]:
    """A new account in a process of its own, with one schema in which there is something to read."""
    command = f"{sys.executable} -m skipass.cli.main sandbox serve --bare --scale 0 --format json --account {ACCOUNT}"
    with process(command) as sandbox:
        assert sandbox.stdout is not None
        said = json.loads(sandbox.stdout.readline())
        Worksheet(said).paste(DATA)
        yield said


@pytest.fixture
def terminal(tmp_path: Path, account: dict[str, Any]) -> Terminal:
    """A terminal whose home is empty, on a machine where another port than the usual one is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SKIPASS_")}
    mine |= {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{mine['PATH']}",
        "SKIPASS_PORT": str(port),
        "SKIPASS_BASE_URL": f"http://127.0.0.1:{port}",
        "SKIPASS_EGRESS_ALLOW": account["host"],
        "SKIPASS_LOG_LEVEL": "error",
    }
    # The stand-in is found by its address; a real account's follows from its identifier.
    return Terminal(mine, tmp_path, pasted={ACCOUNT: f"{ACCOUNT} --host {account['account_url']}"})


async def first_row(snippet: str, key: str) -> list[list[str]]:
    """Do what an agent in an MCP client does, configured by nothing but what the page had printed."""
    words = shlex.split(snippet)
    url = next(word for word in words if "://" in word)
    name, _, value = words[words.index("--header") + 1].partition(": ")
    headers = {name: value.replace("$SKIPASS_API_KEY", key)}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        refused = await client.call_tool("snowflake_execute_query", {"statement": QUESTION})
        assert (refused.structured_content or {})["status"] == "session_required"
        wish = {"scope": {"schemas": ["SALES_DB.PUBLIC"]}, "ttl_s": 600, "reason": "Count the orders for Ana"}
        await client.call_tool("skipass_request_session", wish)
        answer = (await client.call_tool("snowflake_execute_query", {"statement": QUESTION})).structured_content
    assert answer is not None
    rows: list[list[str]] = answer["data"]["data"]
    return rows


async def test_the_page_leads_from_a_clone_to_a_governed_row(terminal: Terminal, account: dict[str, Any]) -> None:
    """Each command of the page succeeds in its turn, and an MCP client configured by their output reads a row."""
    steps = iter(commands(PAGE))
    assert [next(steps), next(steps)] == INSTALL
    links = re.findall(r"^(\w+) .*\n +(http\S+)$", terminal.run(next(steps)), re.MULTILINE)
    assert [name for name, _ in links] == ["ana", "ben"]
    assert (terminal.folder / ".skipass").stat().st_mode & 0o077 == 0
    with process(next(steps), env=terminal.environment) as gateway:
        assert gateway.stdout is not None
        assert "skipass answers at" in gateway.stdout.readline()
        for command in steps:
            await follow(command, terminal, account, links[0][1])
        assert terminal.said.keys() >= set(commands(PAGE)) - {*INSTALL, "skipass serve"}
    assert "admin" in terminal.said["skipass whoami"]
    checks = terminal.said["skipass connection test sales"].splitlines()[1:]
    assert [check.split()[0] for check in checks] == ["credential", "sign-in", "role", "warehouse", "reach", "grants"]
    assert {check.split()[1] for check in checks} == {"ok"}
    assert "verify against" in terminal.said["skipass audit verify"]
    record = terminal.said["skipass session record SESSION"]
    assert "Count the orders for Ana" in record
    assert QUESTION in record


async def follow(command: str, terminal: Terminal, account: dict[str, Any], link: str) -> None:
    """Run one command and do with its output what the page says under it."""
    printed = terminal.run(command, stdin=f"{link}\n" if command == "skipass login" else "")
    if "setup-sql" in command:
        Worksheet(account).paste(printed)
    elif "agent create" in command:
        (key,) = re.findall(r"^export SKIPASS_API_KEY=(\S+)$", printed, re.MULTILINE)
        (snippet,) = re.findall(r"^claude mcp add .*$", printed, re.MULTILINE)
        assert await first_row(snippet, key) == [["2"]]
    elif command == "skipass session list":
        (terminal.pasted["SESSION"],) = re.findall(r"^ses_\w+", printed, re.MULTILINE)


def test_the_page_uses_no_option_that_is_not_there() -> None:
    """Every command of the page, asked for help, knows the options the page gives it."""
    for command in [one for one in commands(PAGE) if one.startswith("skipass ")]:
        words = shlex.split(command)[1:]
        options = {word for word in words if word.startswith("--")}
        noun = words[: 2 if words[0] in ("key", "connection", "agent", "session", "audit") else 1]
        text = subprocess.check_output([sys.executable, "-m", "skipass.cli.main", *noun, "--help"], text=True)
        assert options <= set(re.findall(r"--[\w-]+", text)), command
