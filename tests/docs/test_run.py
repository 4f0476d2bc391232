"""What `make run` prints can be pasted: each client's configuration reaches the gateway, and so does the approver."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from docs.pages import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    """Run what `make run` runs, on a free port, and return what it prints until it waits."""
    planned = subprocess.check_output(["make", "--no-print-directory", "-n", "run"], cwd=ROOT, text=True).splitlines()[
        -1
    ]
    program, *options = shlex.split(planned)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SKIPASS_")}
    environment = mine | {"SKIPASS_PORT": "0", "SKIPASS_LOG_LEVEL": "error"}
    command = [str(BIN / Path(program).name), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        yield "".join(lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def key_in(printed: str) -> str:
    """Return the agent's key of the export line."""
    return re.findall(r"^ +export SKIPASS_API_KEY=(\S+)$", printed, re.MULTILINE)[0]


def configuration(printed: str, file: str) -> dict[str, Any]:
    """Return the JSON that stands under the line which names its file."""
    text = printed.split(f"in {file}:\n", 1)[1]
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text.lstrip())[0]
    return found


async def tools_at(url: str, authorization: str) -> list[str]:
    """Return the tools that an unmodified MCP client sees with this address and this header."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": authorization}, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        return [tool.name for tool in (await client.list_tools()).tools]


async def test_what_is_printed_for_each_client_connects(printed: str) -> None:
    """Claude Code's command, Cursor's file and VS Code's file, with the key filled in, each reach the tools."""
    key = key_in(printed)
    words = shlex.split(re.findall(r"^ +(claude mcp add .*)$", printed, re.MULTILINE)[0])
    ways = {"claude": (words[words.index("jit") + 1], words[-1].removeprefix("Authorization: "))}
    cursor = configuration(printed, ".cursor/mcp.json")["mcpServers"]["jit"]
    code = configuration(printed, ".vscode/mcp.json")["servers"]["jit"]
    ways |= {"cursor": (cursor["url"], cursor["headers"]["Authorization"])}
    ways |= {"code": (code["url"], code["headers"]["Authorization"])}
    for url, authorization in ways.values():
        filled = re.sub(r"\$SKIPASS_API_KEY|\$\{env:SKIPASS_API_KEY\}|\$\{input:[\w-]+\}", key, authorization)
        assert filled == f"Bearer {key}"
        assert "snowflake_execute_query" in await tools_at(url, filled)


def test_the_approver_s_line_works_as_it_stands(printed: str, tmp_path: Path) -> None:
    """Pasted into a shell, the line for the approver lists what waits; nothing does yet."""
    line = re.findall(r"^ +(SKIPASS_API_KEY=.* skipass approval list)$", printed, re.MULTILINE)[0]
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    ran = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split()[0] == "id"


def test_the_page_says_what_is_printed(printed: str) -> None:
    """The address comes first, then the clients that the tutorial names."""
    assert re.match(r"skipass answers at http://127\.0\.0\.1:\d+\n", printed)
    tutorial = (ROOT / "docs/tutorial/demo.md").read_text().split("$ make run")[1]
    names = ["Claude Code", "Cursor", "VS Code"]
    assert all(name in re.sub(r"\s+", " ", tutorial) and f"{name}" in printed for name in names)


@pytest.mark.parametrize(("level", "logs"), [({}, False), ({"SKIPASS_LOG_LEVEL": "info"}, True)])
def test_on_a_terminal_the_instructions_stand_alone(level: dict[str, str], logs: bool) -> None:
    """Requests are not logged beneath them, unless somebody asks for that."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SKIPASS_")}
    environment = mine | {"SKIPASS_PORT": "0", **level}
    terminal, shown = os.openpty()
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=shown, text=True, env=environment) as process:
        os.close(shown)
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        httpx2.get(f"{url}/console", trust_env=False)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    seen = b""
    with contextlib.suppress(OSError):  # a terminal that nobody writes to any more ends so
        while piece := os.read(terminal, 4096):
            seen += piece
    os.close(terminal)
    assert (b"/console" in seen) is logs
