"""The page about one MCP URL, executed: every command in its order, against a gateway with its stand-in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import serve
from docs.pages import sections
from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.tools.snippets import Client as McpClient

pytestmark = pytest.mark.slow

PAGE = "how-to/one-mcp-url.md"
MADE = ("CREATE MCP", "GRANT USAGE ON MCP")


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with serve("--sandbox", "--home", tmp_path_factory.mktemp("gateway") / "home") as ready:
        yield ready


@pytest.fixture
def account() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


def page_commands() -> list[str]:
    """Return the page's commands, lines that go on joined."""
    blocks = [block for one in sections(PAGE) for block in one.blocks("console")]
    text = "\n".join(line for block in blocks for line in block).replace("\\\n", "")
    return [line.removeprefix("$ ") for line in text.splitlines()]


def run(command: str, sandboxed: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command as the admin, the page's names those of the stand-in."""
    url = sandboxed["sandbox"]["account_url"]
    command = command.replace("https://myorg-myaccount.snowflakecomputing.com", url).replace("TEAM_MCP", "OPS_MCP")
    command = re.sub(r"\bsales\b", "jit", command).replace("orders-agent", "orders-analyst")
    environment = {**os.environ, "SKIPASS_URL": sandboxed["url"], "SKIPASS_API_KEY": sandboxed["admin"]["api_key"]}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "SKIPASS_HOME": str(folder)}
    return subprocess.run(["bash", "-c", command], env=environment, text=True, capture_output=True, check=False)


# The stand-in has a slug `cortex` of its own, and other people.
THERE = ((" cortex", " team"), ("-user grace", "-user ada"))


def test_the_page_s_commands_do_what_it_says(sandboxed: dict[str, Any], tmp_path: Path) -> None:
    """Each command of the page ends with 0, the decisions with the hash that the list before them shows."""
    hashes: dict[str, str] = {}
    for written in page_commands():
        command = written
        for ours, theirs in THERE:
            command = command.replace(ours, theirs)
        tool = next((name for name in ("ticket-search", "orders-agent") if name in command), "")
        done = run(command.replace("HASH", hashes.get(tool, "HASH")), sandboxed, tmp_path)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if " tools " in command:
            listed = run(f"{command} --format json", sandboxed, tmp_path).stdout.splitlines()
            found = {one["name"]: one["hash"] for one in map(json.loads, listed)}
            hashes = {"ticket-search": found["ticket-search"], "orders-agent": found["orders-analyst"]}


def test_the_page_names_every_client() -> None:
    """What `agent config --client` takes stands on the page, all of it."""
    codes = {code for one in sections(PAGE) for code in one.codes()}
    assert {client.value for client in McpClient} <= codes


def test_the_script_of_the_page_makes_the_server(
    sandboxed: dict[str, Any], account: RunningSandbox, tmp_path: Path
) -> None:
    """Pasted into an account, the printed script makes the server that the page relays to."""
    (command,) = [one for one in page_commands() if "setup-sql" in one]
    script = run(command, sandboxed, tmp_path).stdout.replace("OPS_MCP", "TEAM_MCP")
    client = Client.of(account, "ADMIN")
    for statement in re.split(r";\n", re.sub(r"(?m)^--.*\n", "", script)):
        if statement.strip().startswith(MADE):
            client.sql(statement.strip().rstrip(";"))
    assert "TEAM_MCP" in json.dumps(client.sql("SHOW MCP SERVERS IN SCHEMA OPS_DB.OPS").rows)
