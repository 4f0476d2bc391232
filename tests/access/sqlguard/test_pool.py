"""Long texts are read in worker processes, and a worker's end is an answer."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from guard.rows import GRANT, granted
from skipass.access.sqlguard import GuardPool
from skipass.nouns.verdict import Outcome, Verdict

pytestmark = pytest.mark.anyio

LONG = "SELECT order_id FROM orders WHERE status IN (" + ", ".join(f"'s{i}'" for i in range(400)) + ")"


@pytest.fixture
async def pool() -> AsyncIterator[GuardPool]:
    pool = GuardPool()
    yield pool
    pool.close()


async def asked(pool: GuardPool, sql: str) -> Verdict:
    return await pool.check(sql, GRANT, database="OPS_DB", schema="OPS")


async def test_short_texts_start_no_worker(pool: GuardPool) -> None:
    """A text up to 1 KB is answered in the process itself."""
    assert await asked(pool, "SELECT * FROM orders") == granted("SELECT * FROM orders")
    assert pool.processes == ()


async def test_long_texts_get_the_same_answer(pool: GuardPool) -> None:
    """A worker's answer is the answer of the guard."""
    await pool.start()
    assert await asked(pool, LONG) == granted(LONG)
    assert len(pool.processes) == 1
    assert os.getpid() not in pool.processes


async def test_the_death_of_a_worker_is_a_refusal_and_the_next_text_is_read(pool: GuardPool) -> None:
    """With its worker killed, a text is denied as unparseable; the next one finds a new worker."""
    await pool.start()
    for pid in pool.processes:
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # somebody reaped it already: then it is as dead
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    verdicts = [await asked(pool, LONG), await asked(pool, LONG)]
    assert [v.outcome for v in verdicts if v.outcome is Outcome.DENY] == [Outcome.DENY]
    refused = next(v for v in verdicts if v.outcome is Outcome.DENY)
    assert [r.code for r in refused.reasons] == ["unparseable"]


async def test_a_worker_that_does_not_answer_in_time_is_a_refusal() -> None:
    """A worker that is stopped makes the text a refusal, and the next text finds a new one."""
    pool = GuardPool(timeout=timedelta(seconds=30))
    await pool.start()
    for pid in pool.processes:
        os.kill(pid, signal.SIGSTOP)
    pool.timeout = timedelta(milliseconds=50)
    stopped = await asked(pool, LONG)
    pool.timeout = timedelta(seconds=30)
    following = await asked(pool, LONG)
    pool.close()
    assert (stopped.outcome, following.outcome) == (Outcome.DENY, Outcome.ALLOW)
