"""How long the guard takes for texts it has never seen, by size; and that the largest and deepest get an answer.

Each text differs from all before it, so no cache helps. Texts of up to 1 KB are checked in this process, longer ones
in the pool, as the gateway does it; like the gateway, this process takes what it has loaded out of the collector's
sight. Beside the time waited stands the processor time of the check alone, which other work on the machine stretches
less; the floors are about the time waited.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Iterator

from skipass.access.sqlguard import GuardPool, check
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Outcome

SCOPE = Scope(schemas=("OPS_DB.OPS",), warehouse="AGENT_WH")
_KB = 1024
_MADE = 400


def statement(number: int, size: int) -> str:
    """Return an analyst's query of just under `size` characters; `number` makes it unlike any other."""
    head = (
        f"WITH q{number} AS (SELECT customer_id, SUM(total) AS t{number} FROM orders WHERE region = 'R{number}' "
        f"GROUP BY 1) SELECT c.name, q.t{number}, RANK() OVER (PARTITION BY c.region ORDER BY q.t{number} DESC) AS r "
        f"FROM customers c JOIN q{number} q ON q.customer_id = c.customer_id WHERE c.segment IN ('SMB', 'MID')"
    )
    terms, length = [head], len(head)
    while True:
        term = f" AND COALESCE(c.v{number}_{len(terms)}, {number}) <> {len(terms)} + q.t{number}"
        if length + len(term) >= size:
            return "".join(terms)
        terms.append(term)
        length += len(term)


def hostile() -> Iterator[tuple[str, str]]:
    """Yield the largest and the deepest texts."""
    yield "1 MB of terms", "SELECT 1" + " + 1" * (_KB * _KB // 4)
    yield "1 MB in a string", f"SELECT '{'x' * 999_000}'"
    yield "1 MB of comments", "SELECT 1" + "/**/" * 240_000
    yield "as many tables as are read", "SELECT * FROM " + ", ".join(["orders"] * 9_900)
    yield "as many stages as are read", "SELECT 1" + " ->> SELECT 1" * 6_000
    yield "as many terms as are read", "SELECT 1" + " + 1" * 9_900
    yield "as deep as is read", "SELECT * FROM " + "(SELECT * FROM " * 95 + "orders" + ")" * 95
    yield "3,000 brackets", "SELECT " + "(" * 3000 + "1" + ")" * 3000
    yield "3,000 subqueries", "SELECT * FROM " + "(SELECT * FROM " * 3000 + "orders" + ")" * 3000
    yield "3,000 CASE", "SELECT " + "CASE WHEN 1 = 1 THEN " * 3000 + "1" + " END" * 3000
    yield "3,000 NOT", "SELECT " + "NOT " * 3000 + "TRUE"
    yield "3,000 FROM", "SELECT 1" + " FROM" * 3000
    yield "3,000 minus signs", "SELECT " + "- " * 3000 + "1"
    yield (
        "3,000 common table expressions",
        "WITH " + ", ".join(f"q{i} AS (SELECT 1)" for i in range(3000)) + " SELECT 1",
    )


async def _timed(pool: GuardPool, sql: str) -> tuple[float, Outcome]:
    started = time.perf_counter()
    verdict = await pool.check(sql, SCOPE, database="OPS_DB", schema="OPS")
    return (time.perf_counter() - started) * 1000, verdict.outcome


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _processor(size: int, first: int) -> list[float]:
    times = []
    for number in range(first, first + _MADE):
        sql = statement(number, size // 2 + size * (number % 50) // 100)
        started = time.process_time()
        check(sql, SCOPE, database="OPS_DB", schema="OPS")
        times.append((time.process_time() - started) * 1000)
    return times


async def _waited(pool: GuardPool, size: int, first: int) -> list[float]:
    times = []
    for number in range(first, first + _MADE):
        # Every size up to the limit, not only the limit itself.
        took, outcome = await _timed(pool, statement(number, size // 2 + size * (number % 50) // 100))
        assert outcome is Outcome.ALLOW, outcome
        times.append(took)
    return times


async def _measure(tell: Callable[[str], None]) -> int:
    missed, first, pool = 0, 0, GuardPool()
    await pool.start()
    try:
        for label, size, floor, aim in (("1 KB", _KB, 5, 3), ("4 KB", 4 * _KB, 25, 15)):
            await _waited(pool, size, first)
            waited, worked = await _waited(pool, size, first + _MADE), _processor(size, first + 2 * _MADE)
            first += 3 * _MADE
            missed += _p99(waited) > floor
            tell(f"guard, unseen text of up to {label}:")
            tell(f"  waited p50 {statistics.median(waited):.2f} ms, p99 {_p99(waited):.2f} ms")
            tell(f"  processor time p50 {statistics.median(worked):.2f} ms, p99 {_p99(worked):.2f} ms")
            tell(f"  p99: floor {floor} ms, aim {aim} ms")
        for label, sql in hostile():
            took, outcome = await _timed(pool, sql)
            tell(f"guard, {label}: {outcome.value} after {took:.0f} ms (floor: answered, aim 300)")
    finally:
        pool.close()
    return missed


def main() -> int:
    """Print the figures beside their floors; return 1 if one is missed."""
    gc.collect()
    gc.freeze()
    return 1 if asyncio.run(_measure(print)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
