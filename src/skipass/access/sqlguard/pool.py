"""Worker processes for long texts: the parser holds the interpreter lock and can, on hostile text, end its process.

The only module of the guard that does more than compute. Knows `check` and nothing of what is checked.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import timedelta

from skipass.access.sqlguard.guard import check
from skipass.access.sqlguard.lexer import DEFAULT, Limits
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Outcome, Reason, StatementKind, Verdict

_INLINE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class _Job:
    sql: str
    scope: Scope
    database: str | None
    schema: str | None
    limits: Limits


def _run(job: _Job) -> Verdict:
    return check(job.sql, job.scope, database=job.database, schema=job.schema, limits=job.limits)


def _settle() -> None:
    """Take what was loaded out of the collector's sight: a pass over the parser's tables takes longer than a text."""
    gc.collect()
    gc.freeze()


def _ready() -> bool:
    return True


@dataclass(slots=True)
class GuardPool:
    """Answers as `check` does: texts up to 1 KB at once, longer ones in a worker process, in bounded time.

    A worker that dies or takes longer than `timeout` makes the answer a deny as `unparseable`; the others go on, in new
    workers. Workers are spawned, never forked, so open connections and event loops are not inherited.
    """

    workers: int = 1
    timeout: timedelta = timedelta(seconds=5)
    limits: Limits = DEFAULT
    _executor: ProcessPoolExecutor | None = field(default=None, init=False, repr=False)

    async def start(self) -> None:
        """Start the workers now, and return once one of them answers."""
        await asyncio.wrap_future(self._workers().submit(_ready))

    async def check(self, sql: str, scope: Scope, *, database: str | None, schema: str | None) -> Verdict:
        """Return the verdict of `check`, or a deny when a worker could not give one."""
        job = _Job(sql, scope, database, schema, self.limits)
        if len(sql) <= _INLINE_BYTES and len(sql.encode(errors="replace")) <= _INLINE_BYTES:
            return _run(job)
        executor = self._workers()
        try:
            future: Future[Verdict] = executor.submit(_run, job)
            async with asyncio.timeout(self.timeout.total_seconds()):
                return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            self._drop(executor)
            return _no_answer("A text like this one ended its reader.")
        except TimeoutError:
            self._drop(executor)
            return _no_answer("Reading the text took too long.")

    @property
    def processes(self) -> tuple[int, ...]:
        """The process ids of the workers that exist now."""
        return tuple(getattr(self._executor, "_processes", None) or ())

    def close(self) -> None:
        """End the workers."""
        if self._executor is not None:
            self._drop(self._executor)

    def _workers(self) -> ProcessPoolExecutor:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_settle)
        return self._executor

    def _drop(self, executor: ProcessPoolExecutor) -> None:
        """End this executor's processes, also one that is busy; the next text starts new ones."""
        if self._executor is executor:
            self._executor = None
        processes = list((getattr(executor, "_processes", None) or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()


def _no_answer(message: str) -> Verdict:
    return Verdict(Outcome.DENY, StatementKind.UNPARSEABLE, reasons=(Reason("unparseable", "statement", message),))
