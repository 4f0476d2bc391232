"""Gateways as processes on one PostgreSQL database, killed with statements at work."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from faults.test_crash import FINAL, flow, over
from postgres import Postgres
from replicas import home_beside
from skipass.app.home import Home
from skipass.audit.chain import Record
from skipass.demo.doors import agent_door
from skipass.demo.stage import start, stop
from skipass.gateway.crashpoints import POINTS
from skipass.ids import upstream_request_id
from skipass.storage.pgexport import records_from

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
READ = "SELECT order_id, {n} AS killed FROM ops.orders"


@dataclass(frozen=True, slots=True)
class Replica:
    """One gateway process: its home, and what it said when it was ready."""

    home: Home
    child: asyncio.subprocess.Process
    ready: dict[str, Any]

    async def kill(self) -> None:
        """End it at once, whatever it is doing."""
        if self.child.returncode is None:
            self.child.kill()
        await self.child.wait()


@asynccontextmanager
async def replicas(
    postgres: Postgres, database: str, path: Path, *, crash: str | None = None
) -> AsyncIterator[tuple[Replica, Replica]]:
    """Yield two processes over one database and one sandbox; the first may be one that kills itself at a point."""
    env = {"SKIPASS_DATABASE_URL": postgres.url(database)}
    first = {"SKIPASS_CRASH_AT": crash} if crash else {}
    async with AsyncExitStack() as stack:
        homes = [Home(path / "one", on_server=True)]
        found = []
        for n in range(2):
            if n:
                homes.append(home_beside(homes[0], path / "two"))
                shutil.copy2(homes[0].path / "sandbox.json", homes[1].path)
                (homes[1].path / "sandbox").mkdir()
            child, ready = await start(homes[n].path, env=env if n else env | first)
            stack.push_async_callback(stop, child)
            found.append(Replica(homes[n], child, ready))
        yield found[0], found[1]


async def switches(account: dict[str, Any], **wanted: Any) -> None:
    """Set how the account behaves."""
    headers = {"Authorization": f"Bearer {account['control_token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{account['control_url']}/switches", json=wanted) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def sent(account: dict[str, Any], piece: str) -> Counter[str]:
    """Return how often each request id was submitted with this piece of text."""
    headers = {"Authorization": f"Bearer {account['control_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{account['control_url']}/calls") as answer:
        calls = (await answer.json())["calls"]
    return Counter(c["request_id"] for c in calls if c["method"] == "POST" and piece in (c["statement"] or ""))


async def of_statements(postgres: Postgres, database: str) -> dict[str, list[Record]]:
    """Return the events of each statement of the agent, in order of time."""
    found: dict[str, list[Record]] = {}
    for record in sorted([r async for r in records_from(postgres.server(database))], key=lambda r: r.at_us):
        if record.kind.startswith("statement.") and record.session_id != "none":
            found.setdefault(record.subject, []).append(record)
    return found


async def ended(postgres: Postgres, database: str, handles: list[str]) -> dict[str, list[Record]]:
    """Return the events once each of these statements has its end."""
    while True:
        found = await of_statements(postgres, database)
        if all(FINAL & {event.kind for event in found[handle]} for handle in handles):
            return found
        await asyncio.sleep(0.2)


async def test_what_a_killed_gateway_ran_is_taken_over(postgres: Postgres, shared: str, tmp_path: Path) -> None:
    """Killed while its statements run, a gateway's work gets one outcome each from the other; the record verifies."""
    async with replicas(postgres, shared, tmp_path) as (one, other):
        account, key = one.ready["sandbox"], one.ready["agent"]["api_key"]
        await switches(account, execution_delay_s=3)
        async with agent_door(f"{one.ready['url']}/jit/mcp", key) as agent:
            wish = {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 300, "reason": "kill"}
            await agent.call("skipass_request_session", wish)
            asked = [{"statement": READ.format(n=n), "async": True} for n in range(3)]
            running = [await agent.call("snowflake_execute_query", one) for one in asked]
            handles = [answer["statementHandle"] for answer in running]
        await one.kill()
        events = await asyncio.wait_for(ended(postgres, shared, handles), 300)
        async with agent_door(f"{other.ready['url']}/jit/mcp", key) as agent:
            got = [await agent.call("snowflake_get_query_status", {"statement_handle": h}) for h in handles]
        assert [answer["status"] for answer in got] == ["success"] * 3
        assert set((await sent(account, "killed")).values()) == {1}
    for handle in handles:
        kinds = [event.kind for event in events[handle]]
        assert sum(kind in FINAL for kind in kinds) == 1
        adopted = next(event for event in events[handle] if event.kind == "statement.adopted")
        assert adopted.writer == adopted.content()["to"] != adopted.content()["from"]
    assert verifies(postgres, shared, [one.home, other.home], tmp_path) == ""


@pytest.mark.parametrize("point", sorted(point for point in POINTS if not point.startswith("refresh")))
async def test_killed_at_any_point_beside_another(postgres: Postgres, shared: str, tmp_path: Path, point: str) -> None:
    """Wherever one of two gateways is killed, the other brings each statement to one end, and no write ran twice."""
    async with replicas(postgres, shared, tmp_path, crash=f"{point}:1") as (one, other):
        account = one.ready["sandbox"]
        with contextlib.suppress(BaseExceptionGroup, Exception):
            await asyncio.wait_for(flow(one.ready), 20)
        await one.kill()
        events = await asyncio.wait_for(settled(postgres, shared, account), 60)
        assert set((await sent(account, "")).values()) == {1}
        assert len(await sent(account, "UPDATE")) <= 1
    for found in events.values():
        kinds = [event.kind for event in found]
        assert sum(kind in FINAL for kind in kinds) <= 1
        if "statement.submitted" in kinds:
            assert kinds.index("statement.admitted") < kinds.index("statement.submitted")
    assert verifies(postgres, shared, [one.home, other.home], tmp_path) == ""


async def settled(postgres: Postgres, database: str, account: dict[str, Any]) -> dict[str, list[Record]]:
    """Return the events once nothing more will become of any statement."""
    while True:
        reached = await sent(account, "")
        found = await of_statements(postgres, database)
        if all(over(events, upstream_request_id(statement) in reached) for statement, events in found.items()):
            return found
        await asyncio.sleep(0.2)


def verifies(postgres: Postgres, database: str, homes: list[Home], path: Path) -> str:
    """Return what `audit verify` says against the database and the checkpoints of all homes, if it finds a fault."""
    together = path / "checkpoints.jsonl"
    together.write_bytes(b"".join(home.checkpoints.read_bytes() for home in homes if home.checkpoints.exists()))
    command = [sys.executable, "-m", "skipass.cli.main", "audit", "verify", "--checkpoints", str(together)]
    env = {"SKIPASS_DATABASE_URL": postgres.url(database), "SKIPASS_HOME": str(homes[0].path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""
