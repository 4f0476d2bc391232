"""Runs accepted statements on threads of their own and stops them: on cancel, on timeout, at shutdown."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import timedelta
from functools import partial

from skipass.sandbox import binds, failures, pipeline
from skipass.sandbox.account import Account
from skipass.sandbox.execution import Execution
from skipass.sandbox.failures import Failure
from skipass.sandbox.quantities import whole
from skipass.sandbox.requests import MAX_TIMEOUT_S, Submit
from skipass.sandbox.session import Session
from skipass.sandbox.statements import Output, Statement

STACK_BYTES = 64 * 1024 * 1024
_STOP_PATIENCE_S = 5.0
_READS = ("SELECT", "WITH", "SHOW")


class Runner:
    """Starts, awaits and stops the statements of one account. `seed` decides the early 202 answers."""

    def __init__(self, account: Account, seed: int = 0) -> None:
        self._account = account
        self._random = random.Random(seed)  # noqa: S311
        self._threads: set[threading.Thread] = set()

    def answers_early(self) -> bool:
        """Tell whether this submit is answered 202 however quick it is."""
        switches = self._account.switches
        if switches.accepted_next > 0:
            switches.accepted_next -= 1
            return True
        return switches.accepted_rate > 0 and self._random.random() < switches.accepted_rate

    def start(self, submit: Submit, session: Session, request_id: str | None) -> Statement:
        """Accept a statement and start it; it is in the registry, and so in the history, before it runs."""
        account = self._account
        statement = Statement(
            handle=account.registry.new_handle(),
            text=submit.text,
            tag=session.tag,
            session=session,
            run=account.engine.open(),
            started=session.now,
            timeout=submit.timeout or _user_timeout(session),
        )
        account.registry.evict(account.now() - timedelta(seconds=account.switches.handle_age_s))
        account.registry.add(statement, request_id)
        previous = threading.stack_size(STACK_BYTES)
        try:
            thread = threading.Thread(target=self._run, args=(statement, submit), daemon=True)
            thread.start()
        finally:
            threading.stack_size(previous)
        if statement.timeout:
            why = failures.timed_out(statement.timeout)
            loop = asyncio.get_running_loop()
            loop.call_later(statement.timeout, partial(self._expire, statement, why))
        return statement

    def _run(self, statement: Statement, submit: Submit) -> None:
        try:
            output, failure = self._work(statement, submit), None
        except Failure as caught:
            output, failure = None, caught
        except RecursionError:
            output, failure = None, failures.unsupported("nesting this deep")
        except Exception as error:  # noqa: BLE001 - a statement must end, and must not show what is inside
            output, failure = None, failures.unsupported(type(error).__name__)
        finally:
            if statement.run is not None:
                statement.run.close()
        self._keep(statement.text)
        statement.finish(self._account.now(), output, failure)

    def _keep(self, text: str) -> None:
        """What a statement changed is kept before its caller hears of it."""
        if self._account.store is not None and not text.lstrip()[:6].upper().startswith(_READS):
            with self._account.lock:
                self._account.save()

    def _work(self, statement: Statement, submit: Submit) -> Output:
        if statement.run is None:
            raise failures.cancelled()
        switches = self._account.switches
        if switches.execution_delay_s:
            statement.run.wait(switches.execution_delay_s)
        execution = Execution(
            account=self._account,
            session=statement.session,
            run=statement.run,
            handle=statement.handle,
            formats=submit.formats(switches.timestamp_text == "nanos"),
            row_cap=submit.row_cap,
            bindings=binds.values(submit.bindings),
        )
        if submit.statement_count == 1:
            return pipeline.single(execution, submit.text)
        if submit.bindings:
            raise failures.unsupported("bindings in a request of several statements")
        return pipeline.several(execution, submit.text, submit.statement_count, partial(self._child, statement))

    def _child(self, parent: Statement, text: str) -> Statement:
        registry = self._account.registry
        now = self._account.now()
        child = Statement(registry.new_handle(), text, parent.session.tag, parent.session, None, now)
        registry.add(child, None)
        return child

    async def wait(self, statement: Statement, seconds: float) -> None:
        """Return when the statement has ended or the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        pause = 0.0005
        while not statement.done.is_set() and loop.time() < deadline:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.02)

    async def stop(self, statement: Statement, why: Failure) -> bool:
        """Interrupt a statement until it has ended; False if it ended otherwise first."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _STOP_PATIENCE_S
        while not statement.done.is_set() and loop.time() < deadline:
            if statement.run is not None:
                statement.run.stop(why)
            await asyncio.sleep(0.005)
        return statement.failure is not None and statement.failure.code == why.code

    def _expire(self, statement: Statement, why: Failure) -> None:
        if not statement.done.is_set():
            task = asyncio.ensure_future(self.stop(statement, why))
            task.add_done_callback(lambda _: None)

    async def shut_down(self) -> None:
        """Stop everything that still runs."""
        for statement in self._account.registry.everything():
            if not statement.done.is_set():
                await self.stop(statement, failures.cancelled())


def _user_timeout(session: Session) -> int:
    found = whole(session.user.options.get("STATEMENT_TIMEOUT_IN_SECONDS", "0"))
    return min(found or 0, MAX_TIMEOUT_S)
