"""How long the console's pages take where much has happened: 100,000 sessions, 1,000,000 statements and their events.

The rows are written past the gateway, as copies of one real session and one real statement. Every page that the menu
names is asked for over HTTP by an admin, and of what those lead to one of each kind; files to keep are not pages.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from skipass.app.home import Home
from skipass.audit.chain import Head, link, micros
from skipass.audit.events import Event
from skipass.demo.stage import end_sandbox, start, stop
from skipass.gateway.deps import data_key_place
from skipass.ids import new_id
from skipass.nouns.people import Tenant
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.storage.codec import decode, encode
from skipass.storage.sql import insert_sql
from skipass.storage.tables import TABLES, events
from skipass.vault.keys import KeyRing, vault_key
from skipass.vault.seal import TextKey, unseal

SESSIONS, STATEMENTS = 100_000, 1_000_000
OPEN = 50
TEXTS = ("SELECT order_id FROM ops.orders LIMIT 1", "UPDATE ops.orders SET note = 'x' WHERE order_id = 1003")
WANTED_MS = 100
ROUNDS = 9
STEP = timedelta(seconds=3)
FILTERS = ("?state=open", "?state=denied", "?agent=reporting-agent", "?user=sam", "?connection=jit&state=closed")
FILES = ("/console/records/", "/console/exports")
_HREF = re.compile(r'href="([^"#]+)')


def main(sessions: int = SESSIONS, statements: int = STATEMENTS) -> int:
    """Print the median of each page; return 1 if one is above the floor."""
    return asyncio.run(_measured(sessions, statements))


async def _measured(sessions: int, statements: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        child, ready = await start(home)
        try:
            await _lived(ready)
            await stop(child)
            began = time.perf_counter()
            fill(Home(home), sessions, statements)
            print(f"{sessions:,} sessions, {statements:,} statements written in {time.perf_counter() - began:.0f} s")
            child, ready = await start(home)
            return await _asked(ready)
        finally:
            await stop(child)
            end_sandbox(home)


async def _lived(ready: dict[str, Any]) -> None:
    """Have the demo's agent open a session, run a statement and have another held."""
    headers = {"Authorization": f"Bearer {ready['agent']['api_key']}"}
    async with aiohttp.ClientSession(f"{ready['url']}/api/v1/", headers=headers) as http:
        wish = {"connection": "jit", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 900, "reason": "benchmark"}
        async with http.post("sessions", json=wish) as answer:
            assert answer.status == 201, await answer.text()
        for text in (
            "SELECT order_id FROM ops.orders LIMIT 1",
            "UPDATE ops.orders SET note = 'x' WHERE order_id = 1003",
        ):
            body = {"connection_name": "jit", "tool_input": {"statement": text}}
            async with http.post("tools/snowflake_execute_query/execute", json=body) as answer:
                assert answer.status == 200, await answer.text()


def fill(home: Home, sessions: int, statements: int) -> None:
    """Write the rows: older than what is there, the statements spread evenly over the sessions."""
    with closing(sqlite3.connect(home.database)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.row_factory = sqlite3.Row
        session = decode(AccessSession, db.execute("SELECT * FROM sessions LIMIT 1").fetchone())
        statement = decode(Statement, db.execute("SELECT * FROM statements WHERE state = 'succeeded'").fetchone())
        ids: list[str] = []
        _write(db, AccessSession, _sessions(session, sessions, ids))
        _write(db, Statement, _statements(statement, statements, ids, _texts(db, home)))
        _events(db, statement, statements, ids)
        # What was written without waiting for the disk is on it before anything is measured.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _write(db: sqlite3.Connection, kind: Any, rows: Iterator[dict[str, Any]]) -> None:
    with db:
        db.executemany(insert_sql(TABLES[kind] if isinstance(kind, type) else kind), rows)


def _sessions(model: AccessSession, count: int, ids: list[str]) -> Iterator[dict[str, Any]]:
    for n in range(count):
        at = model.requested_at - (count - n) * STEP * 10
        ids.append(new_id("session", at))
        state = SessionState.CLOSED if n < count - OPEN else SessionState.OPEN
        yield encode(replace(model, id=ids[-1], requested_at=at, state=state))


def _texts(db: sqlite3.Connection, home: Home) -> TextKey:
    tenant = decode(Tenant, db.execute("SELECT * FROM tenants").fetchone())
    return TextKey(unseal(KeyRing(vault_key(home.vault_key)), tenant.data_key, data_key_place(tenant.id)))


def _statements(model: Statement, count: int, ids: list[str], texts: TextKey) -> Iterator[dict[str, Any]]:
    row = encode(replace(model, handle=None, intent_sealed=None))
    states = itertools.cycle((StatementState.SUCCEEDED.value, StatementState.REFUSED.value))
    for n in range(count):
        at = model.created_at - (count - n) * STEP
        changes = {"id": new_id("statement", at), "session_id": ids[n * len(ids) // count], "created_at": micros(at)}
        sealed = texts.seal(TEXTS[0].encode(), changes["id"], "original")
        yield {**row, **changes, "original_sealed": sealed, "state": next(states)}


def _events(db: sqlite3.Connection, model: Statement, count: int, ids: list[str]) -> None:
    """Chain an event for each statement, as a process would have that is long gone."""

    def chained() -> Iterator[dict[str, Any]]:
        head = Head()
        for n in range(count):
            at, session_id = model.created_at - (count - n) * STEP, ids[n * len(ids) // count]
            event = Event(model.tenant_id, "statement.succeeded", f"stm_{n:026d}", {"rows": n}, session_id)
            record, head = link(head, "bot_benchmark", at, event)
            yield asdict(record)

    _write(db, events, chained())


async def _asked(ready: dict[str, Any]) -> int:
    """Ask for each page, some times; return 1 if the median of one is above the floor."""
    async with aiohttp.ClientSession(ready["url"], cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await _enter(http, ready)
        slow = 0
        for path in await _pages(http):
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                async with http.get(path) as answer:
                    text = await answer.text()
                    assert answer.status == 200, f"{path}: {text}"
                times.append((time.perf_counter() - began) * 1000)
            median = statistics.median(times)
            slow += median > WANTED_MS
            print(f"{path[:66]:<66} {len(text):>7,} B {median:>8.1f} ms ({min(times):.0f} to {max(times):.0f})")
        print(f"{slow} pages above {WANTED_MS} ms")
        return int(slow > 0)


async def _enter(http: aiohttp.ClientSession, ready: dict[str, Any]) -> None:
    """Sign in as the admin, with a one-time link."""
    headers = {"Authorization": f"Bearer {ready['admin']['api_key']}"}
    async with http.get("/api/v1/users", headers=headers) as answer:
        people = (await answer.json())["items"]
    name = next(one["name"] for one in people if "admin" in one["roles"])
    async with http.post(f"/api/v1/users/{name}/link", headers=headers) as answer:
        token = (await answer.json())["token"]
    origin = {"origin": ready["url"]}
    async with http.post("/sign-in", data={"link": token, "to": ""}, headers=origin) as answer:
        assert answer.url.path == "/console", await answer.text()


async def _pages(http: aiohttp.ClientSession) -> list[str]:
    """Return the pages of the menu, the list of sessions narrowed, and the first of each kind that those lead to."""
    menu = await _leads(http, "/console")
    found = dict.fromkeys(one for one in menu if one.count("/") <= 2)
    found |= dict.fromkeys(f"/console/sessions{one}" for one in FILTERS)
    kinds = {_kind(one): one for one in found}
    for page in list(found):
        for one in await _leads(http, page):
            kinds.setdefault(_kind(one), one)
    return list(dict.fromkeys([*found, *kinds.values()]))


def _kind(address: str) -> str:
    parts = urlsplit(address)
    names = sorted(one.partition("=")[0] for one in parts.query.split("&"))
    return f"{parts.path.rpartition('/')[0] + '/' if parts.path.count('/') > 2 else parts.path} {names}"


async def _leads(http: aiohttp.ClientSession, page: str) -> list[str]:
    async with http.get(page) as answer:
        found = [unescape(one) for one in _HREF.findall(await answer.text())]
    inside = [one for one in found if one.startswith("/console") and not one.endswith((".css", ".js"))]
    return [one for one in inside if not one.startswith(FILES)]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
