"""The same search beside others: gateways as processes on one PostgreSQL database, and all that they leave or say."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from accounts.walk import Walk
from gateways import Stage, account_of, stage
from isolation.attacks.test_planted import PAT, READ, WRONG, leaks, refusals, tokens, whole_life
from postgres import Postgres, binaries
from replicas import home_beside
from skipass.app.home import Home
from skipass.demo.doors import agent_door
from skipass.gateway.client_drafting import redirect_uri
from skipass.gateway.ports import UnitOfWork
from skipass.nouns.account import Registration
from skipass.sandbox.testing import RunningSandbox
from surfaces.console.browser import Browser, Page

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
METRICS = "metrics-Plant3dTr34sure-0123456789"


@dataclass(frozen=True, slots=True)
class Beside:
    """A gateway process: its home, its address, and the file that all it says goes to."""

    home: Home
    url: str
    pid: int
    said: Path

    def arguments(self) -> bytes:
        """Return its command line, and those of whatever it has started."""
        found = [self.pid, *(int(one) for task in self._tasks() for one in task.read_text().split())]
        return b"".join((Path("/proc") / str(one) / "cmdline").read_bytes() for one in found)

    def _tasks(self) -> list[Path]:
        return list(Path(f"/proc/{self.pid}/task").glob("*/children"))


class Front(Walk):
    """The same rooms, with every page and every door of them at a process of its own."""

    def allow(self, *registrations: Registration) -> None:
        one = self.stage.sandbox.account.sign_in.integrations["SKIPASS_OAUTH"]
        ours = tuple(redirect_uri(self.url, registration) for registration in registrations)
        one.options["OAUTH_ALTERNATE_REDIRECT_URIS"] = (*one.values("OAUTH_ALTERNATE_REDIRECT_URIS"), *ours)

    async def land(self, browser: Browser, address: str) -> Page:
        assert address.startswith(self.url), address
        return await browser.get(address.removeprefix(self.url))


@asynccontextmanager
async def beside(at: Stage, path: Path, database_url: str) -> AsyncIterator[Beside]:
    """Run `skipass serve` over the same database and the same Snowflake, logging everything."""
    home, said = home_beside(at.home, path), path.with_suffix(".said")
    (path / "sandbox").mkdir()
    (path / "sandbox.json").write_text(json.dumps({"sandbox": account_of(at.sandbox), "agent": {}}))
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--sandbox", "--format", "json", "--port", "0"]
    env = {"SKIPASS_DATABASE_URL": database_url, "SKIPASS_LOG_LEVEL": "debug", "SKIPASS_LOG_FORMAT": "json"}
    with said.open("wb", buffering=0) as file:
        child = await asyncio.create_subprocess_exec(
            *(*command, "--home", str(path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            env={**os.environ, **env, "SKIPASS_METRICS_TOKEN": METRICS},
        )
        assert child.stdout is not None
        first = await child.stdout.readline()
        file.write(first)
        kept = asyncio.create_task(keep(child.stdout, file))
        try:
            yield Beside(home, json.loads(first)["url"], child.pid, said)
        finally:
            child.terminate()
            await kept
            await child.wait()


async def keep(said: asyncio.StreamReader, file: FileIO) -> None:
    """Write down what a process prints, as it comes."""
    async for line in said:
        file.write(line)


@dataclass(frozen=True, slots=True)
class Street:
    """Two processes and the test's own gateway, on one database."""

    front: Front
    two: tuple[Beside, Beside]
    database: str
    postgres: Postgres

    def dump(self) -> bytes:
        """Return the database as its own server's program writes it out: every table, and bytes in hexadecimal."""
        programs = binaries()
        assert programs is not None
        port = str(self.postgres.port)
        command = [str(programs / "pg_dump"), "-h", "127.0.0.1", "-p", port, "-U", "skipass", self.database]
        env = {**os.environ, "PGPASSWORD": self.postgres.password}
        done = subprocess.run(command, env=env, capture_output=True, check=True)
        assert b"COPY public.credentials" in done.stdout
        return done.stdout

    def exported(self) -> bytes:
        """Return the record as `skipass audit export` prints it."""
        env = {"SKIPASS_DATABASE_URL": self.postgres.url(self.database), "SKIPASS_HOME": str(self.two[0].home.path)}
        command = [sys.executable, "-m", "skipass.cli.main", "audit", "export"]
        done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=True)
        assert b"credential.active" in done.stdout
        return done.stdout + done.stderr

    def files(self) -> bytes:
        """Return every file of every home that is not a key."""
        homes = [self.front.stage.home, *(one.home for one in self.two)]
        keys = {one.name for home in homes for one in (home.vault_key, home.audit_key)}
        found = [one for home in homes for one in home.path.rglob("*") if one.is_file() and one.name not in keys]
        assert any(one.name == homes[1].checkpoints.name for one in found)
        return b"".join(one.read_bytes() for one in found)


@pytest.fixture
async def street(sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path) -> AsyncIterator[Street]:
    sandbox.control.reset()
    sandbox.account.sign_in.consents.clear()
    url = postgres.url(shared)
    async with (
        stage(sandbox, tmp_path / "home", database_url=url) as at,
        beside(at, tmp_path / "one", url) as one,
        beside(at, tmp_path / "two", url) as two,
    ):
        yield Street(Front(one.url, at), (one, two), shared, postgres)


async def refreshed_elsewhere(street: Street, key: str) -> None:
    """Let the other process refresh what was linked at the first, in vain and then not, and run statements with it."""
    walk = street.front
    for number, fault in enumerate(("invalid_client", "")):
        await run_out(walk)
        if fault:
            walk.stage.sandbox.control.faults({"path": "/oauth/token-request", "kind": fault})
        async with agent_door(f"{street.two[1].url}/own/mcp", key) as agent:
            wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "test"}
            opened = (await agent.call("skipass_request_session", wish))["session_id"]
            query = {"statement": f"SELECT order_id, {number} FROM ops.orders", "session_id": opened}
            answer = await agent.call("snowflake_execute_query", query)
        walk.stage.sandbox.control.reset()
        assert answer["status"] == ("failed" if fault else "success"), answer


async def run_out(walk: Walk) -> None:
    """Let the time of every access token be over, and nothing stand in the way of another."""
    usable = await walk.usable()

    async def age(unit: UnitOfWork) -> None:
        for one in usable:
            await unit.change(one, expires_at=unit.now - timedelta(minutes=1), deadline=None, reason=None)

    await walk.gateway.deps.journal.write(age)


async def refusals_over_http(street: Street, secrets: Mapping[str, str]) -> dict[str, bytes]:
    """Hand every secret in, a little wrong, at every door of both processes; return what was answered."""
    said: dict[str, bytes] = {}
    async with aiohttp.ClientSession() as http:
        for place, process in enumerate(street.two):
            for name, secret in secrets.items():
                wrong = f"{secret}x"
                for door, how in doors(wrong).items():
                    method, path = door.split()
                    async with http.request(method, f"{process.url}{path}", **how) as answer:
                        said[f"{door} {place} {name}"] = await answer.read()
                        assert 400 <= answer.status < 500, (door, answer.status)
    return said


def doors(wrong: str) -> dict[str, dict[str, Any]]:
    """Return requests that carry a wrong secret where one belongs."""
    bearer = {"headers": {"authorization": f"Bearer {wrong}"}}
    program = {"grant_type": "client_credentials", "client_id": "x", "client_secret": wrong}
    return {
        "GET /api/v1/whoami": bearer,
        "GET /metrics": bearer,
        "POST /jit/mcp": {**bearer, "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}},
        "POST /api/v2/statements": {**bearer, "json": {"statement": "SELECT 1"}},
        "POST /oauth/token": {"data": program},
        "POST /connect": {"data": {"link": wrong, "word": "open"}},
        "GET /oauth/upstream-callback/reg_0": {"params": {"code": wrong, "state": wrong}},
    }


async def answers(street: Street, keys: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what both processes say of everything they have, and of themselves."""
    admin, said = {"authorization": f"Bearer {keys['admin']['api_key']}"}, dict[str, bytes]()
    async with aiohttp.ClientSession() as http:
        for place, process in enumerate(street.two):
            paths = {f"/api/v1{path}": admin for path in (*READ, "/events?limit=200")}
            for path, headers in (paths | {"/metrics": {"authorization": f"Bearer {METRICS}"}}).items():
                async with http.get(f"{process.url}{path}", headers=headers) as answer:
                    assert answer.status == 200, path
                    said[f"GET {path} {place}"] = await answer.read()
    assert any(b"skipass_" in text for name, text in said.items() if "metrics" in name)
    return said


async def places(street: Street, secrets: Mapping[str, str]) -> dict[str, str | bytes]:
    """Return everything that can be read without a key, by where it is."""
    said: dict[str, str | bytes] = {**await answers(street, street.front.stage.keys)}
    said |= await refusals_over_http(street, secrets)
    said |= {"database": street.dump(), "export": street.exported(), "files": street.files()}
    said |= {f"arguments {one.pid}": one.arguments() for one in street.two}
    for one in street.two:
        text = one.said.read_bytes()
        assert text.count(b'"event": "request"') + text.count(b'"event":"request"') > 10
        said[f"log {one.url}"] = text
    return said


async def test_no_planted_secret_is_found_beside_others(street: Street) -> None:
    """Links, sign-ins, refreshes and failures over two processes leave no secret in database, logs, record or answers.

    What is then put there in clear is found: in the database's dump, and in a log, which names paths.
    """
    secrets: dict[str, str] = {"database's password": street.postgres.password, "metrics token": METRICS}
    shown: list[str] = []
    await whole_life(street.front, secrets, shown)
    await refreshed_elsewhere(street, secrets["agent key"])
    secrets |= await tokens(street.front) | {"PAT": PAT, "wrong secret": WRONG}
    await refusals(street.front, secrets, shown)
    found = {"shown": "\n".join(shown), **await places(street, secrets)}
    assert len(secrets) >= 27
    assert {place: names for place, text in found.items() if (names := leaks(text, secrets))} == {}
    await in_clear(street)
    found = await places(street, {})
    clear = {"PAT": PAT}
    (log,) = [place for place, text in found.items() if place.startswith("log") and leaks(text, clear)]
    assert street.two[1].url in log
    assert leaks(found["database"], clear) == ["PAT"]


async def in_clear(street: Street) -> None:
    """Plant a secret where it must not be."""
    connection = await street.postgres.connect(street.database)
    await connection.execute("CREATE TABLE forgotten AS SELECT $1::text AS note", PAT)
    await connection.close()
    async with aiohttp.ClientSession() as http, http.get(f"{street.two[1].url}/{PAT}") as answer:
        assert answer.status == 404
