"""A certified provider that nobody here wrote, installed from its lock file into the tests' cache and run by Node."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
from yarl import URL

import npm

HERE = Path(__file__).parent / "second"


def installed(cache: Path) -> tuple[Path, Path] | None:
    """Return Node and the folder of the provider, None where npm is not there or cannot install it."""
    found = npm.installed(HERE, cache)
    return (found.node, found.place) if found else None


@dataclass(frozen=True, slots=True)
class Second:
    """The running provider, and our client there."""

    issuer: str
    client_id: str = "skipass"
    client_secret: str = "a-secret with: signs/+"


@contextmanager
def running(node: Path, place: Path, redirect_uri: str, *resource: str) -> Iterator[Second]:
    """Run the provider until the block ends; `resource` is an audience, its scopes, and a refresh token's life."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        told = Second(f"http://127.0.0.1:{free.getsockname()[1]}")
    command = [str(node), "provider.js", told.issuer, told.client_id, told.client_secret, redirect_uri, *resource]
    clean = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    with subprocess.Popen(command, cwd=place, env=clean, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield told
        finally:
            process.kill()


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]


async def through(http: aiohttp.ClientSession, address: str, login: str, back: str) -> tuple[str, list[str]]:
    """Walk the provider's pages as a person does; return where the browser is sent back, and which forms it saw."""
    where, seen = URL(address, encoded=True), list[str]()
    form: dict[str, str] | None = None
    while True:
        method = "GET" if form is None else "POST"
        async with http.request(method, where, data=form, allow_redirects=False) as answer:
            location, page = answer.headers.get("location"), await answer.text()
        form = None
        if location is None:
            read = _Form()
            read.feed(page)
            assert read.fields.get("prompt"), page
            seen.append(read.fields["prompt"])
            form = {**read.fields, "login": login, "password": "any"}
            where = where.join(URL(read.action))
        elif location.startswith(back):
            return location, seen
        else:
            where = where.join(URL(location, encoded=True))
