"""`skipass login` as a person runs it: by a browser on this machine, and by a code in any browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from people.walk import DANA, Town

pytestmark = pytest.mark.anyio


class Command:
    """A `skipass` of its own, with a home of its own and a browser that opens nothing."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SKIPASS_")}
        self.env = {**clean, "SKIPASS_HOME": str(home), "SKIPASS_URL": url, "BROWSER": "true %s"}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "skipass.cli.main", *arguments]
        pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(*command, env=self.env, stdin=none, stdout=pipe, stderr=pipe)

    async def run(self, *arguments: str) -> tuple[int | None, str]:
        process = await self.start(*arguments)
        out, _ = await process.communicate()
        return process.returncode, out.decode()


async def read_until(process: asyncio.subprocess.Process, wanted: str) -> re.Match[str]:
    """Read what a command says on standard error until it is there."""
    assert process.stderr is not None
    seen = ""
    while True:
        line = await process.stderr.readline()
        assert line, seen
        seen += line.decode()
        if found := re.search(wanted, seen, re.DOTALL):
            return found


@pytest.fixture
def command(town: Town, tmp_path: Path) -> Command:
    return Command(tmp_path / "mine", town.url)


async def test_a_browser_on_this_machine(town: Town, command: Command) -> None:
    """The listener takes its own answer alone; the token is kept for its owner, works, and ends with logout."""
    process = await command.start("login", "--browser", "--format", "json")
    address = (await read_until(process, r"(http://\S+/oauth/authorize\?\S+)\n"))[1]
    async with town.browser() as dana:
        await town.enter(dana)
        page = await dana.get(address.removeprefix(town.url))
        back = page.form("/oauth/authorize")["redirect_uri"]
        async with aiohttp.ClientSession() as http:
            for query in ("?code=evil", "?code=evil&state=x", "?state=a&state=b"):
                async with http.get(f"{back}{query}") as refused:
                    assert refused.status == 400
        done = await dana.post("/oauth/authorize", {**page.form("/oauth/authorize"), "word": "allow"})
        assert "You can close this page" in done.text
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["user"]["name"] == DANA
    kept = command.home / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    status, who = await command.run("whoami", "--format", "json")
    assert (status, json.loads(who)["name"]) == (0, DANA)
    token = json.loads(kept.read_text())["gateways"][town.url]["token"]
    assert (await command.run("logout"))[0] == 0
    assert (await town.whoami(token))[0] == 401


async def test_a_no_in_the_browser(town: Town, command: Command) -> None:
    """The command says that it was refused, fails, and keeps nothing."""
    process = await command.start("login", "--browser")
    address = (await read_until(process, r"(http://\S+/oauth/authorize\?\S+)\n"))[1]
    async with town.browser() as dana:
        await town.enter(dana)
        page = await dana.get(address.removeprefix(town.url))
        await dana.post("/oauth/authorize", {**page.form("/oauth/authorize"), "word": "deny"})
    _, said = await process.communicate()
    assert process.returncode != 0
    assert b"access_denied" in said
    assert not (command.home / "credentials.json").exists()


async def test_a_code_in_any_browser(town: Town, command: Command) -> None:
    """The command shows address and code, waits for the person, and is signed in as them."""
    process = await command.start("login", "--device", "--format", "json")
    found = await read_until(process, r"Open (http://\S+).*type\s+the\s+code\s+(\S+)\.")
    async with town.browser() as dana:
        await town.enter(dana)
        page = await dana.get(found[1].removeprefix(town.url))
        form = {**page.form("/oauth/device"), "user_code": found[2]}
        page = await dana.post("/oauth/device", form)
        await dana.post("/oauth/device", {**page.form("/oauth/device"), "word": "allow"})
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["user"]["name"] == DANA


async def test_a_link_is_refused_with_the_way_to_sign_in(town: Town, command: Command) -> None:
    """Where an identity provider is connected, a link from before says that links stopped."""
    process = await command.start("login", f"{town.url}/sign-in#whatever")
    _, said = await process.communicate()
    assert process.returncode != 0
    assert b"One-time links stopped" in said
