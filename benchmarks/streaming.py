"""A result of 1 GB through the gateway's SQL API: how much the gateway's memory grows while its partitions pass.

The account is a server that does no work while it is measured. The gateway is a process of its own; its resident memory
is read after the first partitions, when everything it needs once is there, and after each of the others.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks._snowflake_server import PARTITION_ROWS
from skipass.demo.stage import start, stop
from skipass.snowflake.auth.keys import generate_key_pair

ROWS = 5_200_000
WARM = 8
FLOOR_MIB = 64
WIDE = {"statements": 1000, "rows": 10**9, "bytes": 10**12, "seconds": 36_000}
SCOPE = {"schemas": ["OPS_DB.OPS"], "role": "R", "warehouse": "W"}
SQL = "SELECT * FROM OPS_DB.OPS.ORDERS"


def main() -> int:
    """Print the figures; return 1 if the memory grew."""
    return asyncio.run(_measured())


async def _measured() -> int:
    command = [sys.executable, "-m", "benchmarks._snowflake_server", str(ROWS)]
    pipe = asyncio.subprocess.PIPE
    account = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert account.stdout is not None
    port = int(await account.stdout.readline())
    with tempfile.TemporaryDirectory() as folder:
        child, ready = await start(Path(folder) / "home")
        try:
            return await _read(ready, child.pid, f"http://127.0.0.1:{port}")
        finally:
            await stop(child)
            await stop(account)


async def _read(ready: dict[str, Any], pid: int, account: str) -> int:
    async with aiohttp.ClientSession(ready["url"]) as http:
        key = await _agent(http, ready["admin"]["api_key"], account)
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        async with http.post("/c/big/api/v2/statements", json={"statement": SQL}, headers=headers) as answer:
            told = await answer.json()
            assert answer.status == 200, told
        parts, path = told["resultSetMetaData"]["partitionInfo"], f"/api/v2/statements/{told['statementHandle']}"
        began, seen = time.perf_counter(), []
        for index in range(1, len(parts)):
            async with http.get(f"{path}?partition={index}", headers=headers, auto_decompress=False) as answer:
                assert answer.status == 200
                async for _ in answer.content.iter_any():
                    pass
            seen.append(_resident_mib(pid))
    return _told(sum(part["uncompressedSize"] for part in parts), seen, time.perf_counter() - began)


def _told(size_bytes: int, seen: list[float], took_s: float) -> int:
    grown = max(seen[WARM:], default=seen[-1]) - max(seen[:WARM])
    print(f"{size_bytes / 1e9:.2f} GB in {len(seen) + 1} partitions of {PARTITION_ROWS} rows, {took_s:.1f} s")
    print(f"resident memory after {WARM} partitions {max(seen[:WARM]):.0f} MiB, grown by {max(grown, 0):.1f} MiB after")
    return int(grown > FLOOR_MIB)


async def _agent(http: aiohttp.ClientSession, admin: str, account: str) -> str:
    """Return the key of an agent that may use a connection to the account."""
    headers = {"Authorization": f"Bearer {admin}"}
    connection = {
        "name": "big",
        "account": "MYORG-BIG",
        "host": account,
        "login": "L",
        "private_key": generate_key_pair().private_pem.reveal().decode(),
        "role": SCOPE["role"],
        "policy": {"automatic": SCOPE, "budgets": WIDE},
    }
    async with http.post("/api/v1/connections", json=connection, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    async with http.post("/api/v1/agents", json={"name": "reader", "connections": ["big"]}, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["api_key"])


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
