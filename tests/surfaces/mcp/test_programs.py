"""Unmodified clients of other makers, each in a process of its own, against a real gateway in front of a real sandbox.

Each lists the tools behind a slug and calls one: with an agent's key, and signed in by its user.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import pytest

import npm
import pypi
from gateways import Stage, served, stage
from oauth.program import Program as ByHand
from oauth.program import Quarter, pressed
from program import Program
from relay.bench import SLUG, SQL, Bench
from skipass.nouns.people import Agent
from skipass.sandbox.testing import RunningSandbox
from skipass.tools.catalogue import CATALOGUE
from surfaces.console.browser import Browser, Page

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
JUDGES = Path(__file__).parent / "judges"
INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
NAMES = [spec.name for spec in CATALOGUE]
TOOL = "snowflake_execute_query"
INPUT = {"statement": "SELECT COUNT(*) AS N FROM OPS_DB.OPS.ORDERS"}
REQUEST = "skipass_request_session"
WISH = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}

Client = Callable[[str, str, str, Mapping[str, Any]], Program]
"""Takes the URL, the key (none: sign in), the tool and its input."""


@pytest.fixture
def cache(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    return pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path


@pytest.fixture
async def quarter(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Quarter]:
    """Yield a gateway that is served where it says it is, so that clients which look for it find it."""
    sandbox.control.reset()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with (
        stage(sandbox, tmp_path / "home", base_url=f"http://127.0.0.1:{port}") as at,
        served(at, port) as url,
    ):
        quarter = Quarter(url, at)
        await quarter.open("sam")
        yield quarter


def python(cache: Path, pins: str, script: str, *more: str) -> Client:
    site = pypi.installed(JUDGES / f"{pins}.txt", cache)
    return lambda url, key, tool, given: site.program(JUDGES / script, url, key, tool, json.dumps(given), *more)


def node(cache: Path) -> npm.Installed:
    found = npm.installed(JUDGES, cache)
    if found is None:
        pytest.skip("npm, Node 22 or the clients are not installed")
    return found


def typescript(cache: Path) -> Client:
    packages = node(cache)
    return lambda url, key, tool, given: packages.program("sdk_client.mjs", url, key, tool, json.dumps(given))


CLIENTS: dict[str, Callable[[Path], Client]] = {
    "fastmcp": lambda cache: python(cache, "newer", "fastmcp_client.py"),
    "python-sdk": lambda cache: python(cache, "newer", "sdk_two_client.py", "auto"),
    "python-sdk-legacy": lambda cache: python(cache, "newer", "sdk_two_client.py", "legacy"),
    "python-sdk-1": lambda cache: python(cache, "older", "sdk_one_client.py"),
    "langchain": lambda cache: python(cache, "older", "langchain_client.py"),
    "typescript-sdk": typescript,
}


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_with_a_key_lists_and_calls(at: Stage, cache: Path, name: str) -> None:
    """The client sees the whole catalogue in its order, and its call answers from Snowflake's rows."""
    client = await anyio.to_thread.run_sync(CLIENTS[name], cache)
    await at.session()
    async with served(at) as url:
        told = await client(f"{url}/jit/mcp", at.keys["agent"]["api_key"], TOOL, INPUT).talk()
    assert told["tools"] == NAMES
    assert told["is_error"] is False
    assert "status: success" in told["text"]
    assert "1 rows." in told["text"]
    assert len(at.sent("COUNT(*)")) == 1


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_lists_and_calls_what_is_relayed(at: Stage, cache: Path, name: str) -> None:
    """Behind a relay the client sees the managed server's tools beside the session's, and gets what one says."""
    client, bench = await anyio.to_thread.run_sync(CLIENTS[name], cache), await Bench.over(at)
    await bench.opened()
    async with served(at) as url:
        key = at.keys["agent"]["api_key"]
        told = await client(f"{url}/{SLUG}/mcp", key, SQL, {"sql": INPUT["statement"]}).talk()
    assert told["tools"] == await bench.names()
    assert {SQL, "skipass_request_session"} < set(told["tools"])
    assert json.loads(told["text"])["result_set"]["data"] == [["240"]]
    assert told["is_error"] is False


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_signs_its_user_in_lists_and_calls(quarter: Quarter, cache: Path, name: str) -> None:
    """Given the URL alone the client finds the way, registers, has its user agree once, and works as that user."""
    client = await anyio.to_thread.run_sync(CLIENTS[name], cache)
    asked: list[str] = []
    async with quarter.browser() as browser:
        await quarter.signed_in(browser)

        async def walk(address: str) -> str:
            asked.append(address)
            return await agreed(browser, address)

        told = await client(quarter.resource(), "", REQUEST, WISH).talk(walk)
    assert (told["tools"], told["is_error"], len(asked)) == (NAMES, False, 1)
    assert "status: success" in told["text"]
    (agent,) = [one for one in await quarter.stage.every(Agent) if one.client_id]
    assert agent.owner_id == (await quarter.who("sam")).id


async def agreed(browser: Browser, address: str) -> str:
    """Open what a client asks its user to open, agree, and return where that leads."""
    split = urlsplit(address)
    page: Page = await browser.get(f"{split.path}?{split.query}", allow_redirects=False)
    assert page.status == 200, page.text
    return await pressed(browser, page)


@pytest.mark.parametrize("with_key", [True, False])
async def test_the_inspector_lists_and_calls(quarter: Quarter, cache: Path, with_key: bool) -> None:
    """The inspector's command line lists every tool, its schemas held to the letter, and calls one."""
    packages = await anyio.to_thread.run_sync(node, cache)
    token = quarter.stage.keys["agent"]["api_key"] if with_key else await hand_made(quarter)
    assert (await quarter.session(token))["status"] == "success"
    how = ["--cli", quarter.resource(), "--transport", "http", "--header", f"Authorization: Bearer {token}"]
    ask = partial(packages.program, INSPECTOR, *how)
    listed = await ask("--method", "tools/list", "--strict").talk()
    assert [tool["name"] for tool in listed["tools"]] == NAMES
    statement = f"statement={INPUT['statement']}"
    answer = await ask("--method", "tools/call", "--tool-name", TOOL, "--tool-arg", statement).talk()
    assert "status: success" in answer["content"][0]["text"]


async def hand_made(quarter: Quarter) -> str:
    """Return the token of a client that sam has let in."""
    client: ByHand = await quarter.program()
    async with quarter.browser() as browser:
        return await client.sign_in(await quarter.signed_in(browser))
