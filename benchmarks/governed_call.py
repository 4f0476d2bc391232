"""A governed call against a bare forward: the same statement through the gateway and straight to the same account.

Both go to one sandbox, submit asynchronously and poll in the same rhythm; calls alternate, so that both see the same
machine. The ratio says what the session, the guard, the record (three durable commits) and the extra hop cost.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from skipass.demo.stage import gateway
from skipass.snowflake.account import parse_account, target_of
from skipass.snowflake.auth.keypair import KeyPairTokens
from skipass.snowflake.auth.keys import read_private_key
from skipass.snowflake.sqlapi.answers import Running
from skipass.snowflake.sqlapi.client import SqlApi
from skipass.snowflake.sqlapi.wire import SubmitRequest

ROUNDS = 150
SQL = "SELECT order_id, status FROM OPS_DB.OPS.ORDERS WHERE order_id = {}"


class Bare:
    """The forward: one submit and its polls, nothing checked and nothing written down."""

    def __init__(self, account: dict[str, Any]) -> None:
        user = next(u for u in account["users"] if u["default_role"] == "AGENT_ROLE")
        key = read_private_key(user["private_key_path"])
        claim = parse_account(account["account"]).claim_account
        self._tokens = KeyPairTokens(claim, user["login_name"], key)
        self._api = SqlApi(target_of(None, account["account_url"]))

    async def call(self, sql: str) -> None:
        """Run one statement to its rows."""
        request = SubmitRequest(sql, warehouse="AGENT_WH", role="AGENT_ROLE", run_async=True)
        answer = await self._api.submit(request, self._tokens, timeout_s=30)
        pause = 0.05
        answer = await self._api.poll(answer.statement_handle, self._tokens, timeout_s=30)
        while isinstance(answer, Running):
            await asyncio.sleep(pause)
            answer = await self._api.poll(answer.statement_handle, self._tokens, timeout_s=30)
            pause = min(pause * 2, 2.0)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._api.aclose()


class Governed:
    """The gateway: the same statement as an agent's tool call."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, f"{url}/api/v1"

    async def open(self) -> None:
        """Open the session all calls run in."""
        wish = {"connection": "jit", "scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 900, "reason": "benchmark"}
        async with self._http.post(f"{self._url}/sessions", json=wish) as answer:
            assert answer.status == 201, await answer.text()

    async def call(self, sql: str) -> None:
        """Run one statement to its rows."""
        body = {"connection_name": "jit", "tool_input": {"statement": sql}}
        async with self._http.post(f"{self._url}/tools/snowflake_execute_query/execute", json=body) as answer:
            told = await answer.json()
            assert told["status"] == "success", told


async def _measure() -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as home:
        async with gateway(Path(home)) as ready:
            headers = {"Authorization": f"Bearer {ready['agent']['api_key']}"}
            async with aiohttp.ClientSession(headers=headers) as http:
                governed, bare = Governed(http, ready["url"]), Bare(ready["sandbox"])
                await governed.open()
                times: tuple[list[float], list[float]] = ([], [])
                for round_ in range(-10, ROUNDS):
                    for side, into in ((bare, times[0]), (governed, times[1])):
                        started = time.perf_counter()
                        await side.call(SQL.format(2000 + round_))
                        if round_ >= 0:
                            into.append(time.perf_counter() - started)
                await bare.aclose()
                return times


def main() -> int:
    """Print both medians and their ratio."""
    bare, governed = asyncio.run(_measure())
    medians = [statistics.median(side) * 1000 for side in (bare, governed)]
    p99 = [statistics.quantiles(side, n=100)[98] * 1000 for side in (bare, governed)]
    print(f"governed call: {medians[1]:.1f} ms, bare forward: {medians[0]:.1f} ms, ratio {medians[1] / medians[0]:.2f}")
    print(f"p99: {p99[1]:.1f} ms and {p99[0]:.1f} ms, ratio {p99[1] / p99[0]:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
