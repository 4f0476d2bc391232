"""What the sandbox adds to a simple SELECT: everything from text to DuckDB's rows, less DuckDB's own work.

Prints one JSON object, times in milliseconds; the figure is the translation of a simple SELECT, at most two.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

from skipass.sandbox import pipeline
from skipass.sandbox.account import Account
from skipass.sandbox.cells import Formats
from skipass.sandbox.execution import Execution
from skipass.sandbox.world import build_account

ROUNDS = 300
MOST_MS = 2.0
TEXT = "select order_id, status, total from orders where order_id = 1001"


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def _translated(account: Account) -> Callable[[], object]:
    """Lex, parse, resolve, check privileges and translate, without the check on the plan and without rows."""
    session = account.session_of(account.catalog.users["SKIPASS_SVC"], "AGENT_ROLE")
    run = account.engine.open()
    execution = Execution(account, session, run, "h", Formats())

    def work() -> object:
        tree = execution.parse(TEXT)
        resolver = execution.resolver()
        resolver.query(tree)
        return execution.translated(tree, resolver.reading)

    return work


def _whole(account: Account) -> Callable[[], object]:
    session = account.session_of(account.catalog.users["SKIPASS_SVC"], "AGENT_ROLE")
    run = account.engine.open()
    return lambda: pipeline.single(Execution(account, session, run, "h", Formats()), TEXT)


def measured() -> dict[str, float]:
    """Return the medians: translation alone, the whole statement, and the same rows from DuckDB."""
    account = build_account(scale=0)
    table = next(one for one in account.catalog.tables() if one.name.name == "ORDERS")
    run = account.engine.open()
    bare = f'SELECT "ORDER_ID", "STATUS", "TOTAL" FROM "{table.physical}" WHERE "ORDER_ID" = 1001'
    found = {
        "translation_ms": _median_ms(_translated(account)),
        "statement_ms": _median_ms(_whole(account)),
        "duckdb_ms": _median_ms(lambda: run.execute(bare)),
    }
    account.engine.close()
    return {name: round(value, 3) for name, value in found.items()}


def main() -> int:
    """Print the medians; return 1 if the translation takes longer than it may."""
    found = measured()
    print(json.dumps({"benchmark": "sandbox_sql", **found}))
    return int(found["translation_ms"] > MOST_MS)
