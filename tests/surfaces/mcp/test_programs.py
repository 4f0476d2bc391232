"""Unmodified clients of other makers, each in a process of its own, against a real gateway in front of a real sandbox.

Each lists the tools behind a slug and calls one, with an agent's key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

import npm
import pypi
from gateways import Stage, served
from skipass.tools.catalogue import CATALOGUE

pytestmark = pytest.mark.anyio
JUDGES = Path(__file__).parent / "judges"
NAMES = [spec.name for spec in CATALOGUE]
TOOL = "snowflake_execute_query"
INPUT = json.dumps({"statement": "SELECT COUNT(*) AS N FROM OPS_DB.OPS.ORDERS"})

Client = Callable[[str, str, str], Any]
"""Takes the URL, the key and the input of the call; tells the tools, the text of the answer, whether it is an error."""


@pytest.fixture
def cache(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    return pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path


def python(cache: Path, pins: str, script: str) -> Client:
    site = pypi.installed(JUDGES / f"{pins}.txt", cache)
    return lambda url, key, given: site.run(JUDGES / script, url, key, TOOL, given, seconds=120)


def node(cache: Path) -> npm.Installed:
    found = npm.installed(JUDGES, cache)
    if found is None:
        pytest.skip("npm, Node 22 or the clients are not installed")
    return found


def typescript(cache: Path) -> Client:
    packages = node(cache)

    def run(url: str, key: str, given: str) -> Any:
        ran = packages.run("sdk_client.mjs", url, key, TOOL, given, seconds=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    return run


def inspector(cache: Path) -> Client:
    packages = node(cache)

    def ask(url: str, key: str, *options: str) -> Any:
        command = ["node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js", "--cli", url, "--transport", "http"]
        ran = packages.run(*command, "--header", f"Authorization: Bearer {key}", *options, seconds=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    def run(url: str, key: str, given: str) -> Any:
        tools = [tool["name"] for tool in ask(url, key, "--method", "tools/list")["tools"]]
        arguments = [f"{name}={value}" for name, value in json.loads(given).items()]
        answer = ask(url, key, "--method", "tools/call", "--tool-name", TOOL, "--tool-arg", *arguments)
        return {"tools": tools, "text": answer["content"][0]["text"], "is_error": answer["isError"]}

    return run


CLIENTS: dict[str, Callable[[Path], Client]] = {
    "fastmcp": partial(python, pins="newer", script="fastmcp_client.py"),
    "python-sdk-1": partial(python, pins="older", script="sdk_one_client.py"),
    "langchain": partial(python, pins="older", script="langchain_client.py"),
    "typescript-sdk": typescript,
    "inspector": inspector,
}


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_lists_and_calls(at: Stage, cache: Path, name: str) -> None:
    """The client sees the whole catalogue in its order, and its call answers from Snowflake's rows."""
    client = await anyio.to_thread.run_sync(CLIENTS[name], cache)
    await at.session()
    async with served(at) as url:
        told = await anyio.to_thread.run_sync(client, f"{url}/jit/mcp", at.keys["agent"]["api_key"], INPUT)
    assert told["tools"] == NAMES
    assert told["is_error"] is False
    assert "status: success" in told["text"]
    assert "1 rows." in told["text"]
    assert len(at.sent("COUNT(*)")) == 1
