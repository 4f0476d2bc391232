"""The protocol's conformance suite for authorization servers, with a person who follows the address it prints."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

import npm
from gateways import served, stage
from oauth.program import AUTHORIZE, Quarter, pressed
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser, Page

pytestmark = pytest.mark.anyio
JUDGES = Path(__file__).parents[1] / "surfaces" / "mcp" / "judges"
SUITE = "node_modules/conformance-2026/dist/index.js"
_LISTENS = "Callback server started"
_LINE = re.compile(r"(https?://\S+/oauth/authorize\?\S+)")


@pytest.fixture(scope="module")
def judges(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> npm.Installed:
    cache = pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path_factory.mktemp("judges")
    found = npm.installed(JUDGES, cache)
    if found is None:
        pytest.skip("npm, Node 22 or the conformance suites are not installed")
    return found


@pytest.fixture
async def quarter(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Quarter]:
    """Yield a gateway that is served where it says it is."""
    sandbox.control.reset()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with stage(sandbox, tmp_path / "home", base_url=f"http://127.0.0.1:{port}") as at, served(at, port) as url:
        quarter = Quarter(url, at)
        await quarter.open("sam")
        yield quarter


async def agreed(quarter: Quarter, address: str) -> str:
    """Return where sam's browser is sent for an address that a program prints."""
    async with quarter.browser() as browser:
        await quarter.signed_in(browser)
        return await pressed(browser, await _opened(browser, address))


async def _opened(browser: Browser, address: str) -> Page:
    page = await browser.get(address.removeprefix(browser.url))
    assert page.has_form(AUTHORIZE), page.text
    return page


async def test_the_authorization_suite(quarter: Quarter, judges: npm.Installed) -> None:
    """Every scenario of the suite for authorization servers passes: metadata, PKCE, the code, the token."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    admin, back = await quarter.stage.principal("admin"), "http://127.0.0.1/callback"
    client, _ = await quarter.gateway.mcp_clients.add(admin, "Judge", [back], public=True)
    command = [SUITE, "authorization", "--url", quarter.base_url, "--client-id", client.client_id]
    command += ["--resource", quarter.resource(), "-p", str(port)]
    program = judges.program(*command)
    process = await asyncio.create_subprocess_exec(
        *program.command,
        cwd=program.place,
        env=dict(program.environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    told, asked = "", ""
    async for line in process.stdout:
        told += line.decode()
        found = _LINE.search(told)
        if found and _LISTENS in told and not asked:
            asked = found[1]
            await _returned(await agreed(quarter, asked))
    assert await process.wait() == 0, told
    passed = dict(re.findall(r"^✓ ([\w-]+): (\d+) passed, 0 failed$", told, re.MULTILINE))
    assert passed == {"authorization-server-metadata-endpoint": "2", "authorization-code-grant": "1"}, told


async def _returned(address: str) -> None:
    """Bring the answer to the program that waits for it on this machine."""
    async with aiohttp.ClientSession() as http, http.get(address) as said:
        assert said.status == 200
