"""A disk that is full, read-only, locked or slow: nothing runs unrecorded, readiness says so, and work resumes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from gateways import Stage
from skipass.errors import SkipassError
from skipass.nouns.envelope import Envelope, Status
from skipass.nouns.principal import Role
from skipass.nouns.statement import Statement, StatementState
from skipass.storage import entry as entry_module
from skipass.storage.unit import StoredUnit

pytestmark = pytest.mark.anyio
PENDING = "SELECT order_id FROM ops.orders WHERE status = 'pending'"
Trouble = Callable[[Stage], Any]


def connection(at: Stage) -> sqlite3.Connection:
    """Return the journal's own connection: what SQLite says on it is what a broken disk makes it say."""
    journal: Any = at.gateway.deps.journal
    found: sqlite3.Connection = journal._journal._connection
    return found


@contextmanager
def full(at: Stage) -> Iterator[None]:
    """Let the database have no page more: SQLite says that the disk is full."""
    one = connection(at)
    (most,) = one.execute("PRAGMA max_page_count").fetchone()
    one.execute("PRAGMA max_page_count = 1")  # it is never set below what is there
    yield
    one.execute(f"PRAGMA max_page_count = {most}")


@contextmanager
def read_only(at: Stage) -> Iterator[None]:
    """Let the database be read-only."""
    connection(at).execute("PRAGMA query_only = ON")
    yield
    connection(at).execute("PRAGMA query_only = OFF")


@contextmanager
def locked(at: Stage) -> Iterator[None]:
    """Let something else hold the write lock and not give it back."""
    with closing(sqlite3.connect(at.home.database, timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


TROUBLES = [full, read_only, locked]


async def exhausted(at: Stage) -> None:
    """Write until what is left on the last page is used up: a full disk takes a little longer to be full."""
    admin = await at.principal("admin")
    for n in range(200):
        try:
            await at.gateway.people.create(admin, f"filler-{n}-{'x' * 40}", [Role.MEMBER])
        except SkipassError as error:
            if error.code == "not_recorded":
                return
            raise
    pytest.fail("the disk never filled up")


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
async def test_nothing_runs_that_cannot_be_recorded(at: Stage, trouble: Trouble) -> None:
    """Reads, writes, sessions and administration are refused as `not_recorded`; repaired, all of them work again."""
    session = await at.session()
    with ExitStack() as broken:
        broken.enter_context(trouble(at))
        await exhausted(at)
        started = asyncio.get_running_loop().time()
        told = await at.query(PENDING, arguments={"session_id": session})
        assert asyncio.get_running_loop().time() - started < 10  # two seconds each for a few writes, on a busy machine
        assert (told.status, told.fields["code"]) == (Status.FAILED, "not_recorded")
        asked = await at.call(
            "skipass_request_session", {"scope": {"schemas": ["OPS_DB.OPS"]}, "ttl_s": 60, "reason": "r"}
        )
        assert asked.fields["code"] == "not_recorded"
        with pytest.raises(SkipassError) as refused:
            await at.gateway.agents.disable(await at.principal("admin"), "reporting-agent")
        assert refused.value.code == "not_recorded"
        # A heartbeat changes a row in place: on a file that may not grow it may still succeed.
        assert trouble is full or (await at.gateway.ready())["storage"] is False
        assert at.sent("orders") == []
    served = await at.query(PENDING, arguments={"session_id": session})
    assert served.status is Status.SUCCESS
    assert (await at.gateway.ready())["storage"] is True


async def test_what_was_running_is_recorded_after_the_repair(at: Stage) -> None:
    """A statement that Snowflake finishes while nothing can be written gets its one outcome once something can."""
    await at.session()
    at.sandbox.control.switches(execution_delay_s=0.5)
    running = await at.query(PENDING, wait_s=0.0)
    while (await state(at, running)) is not StatementState.SUBMITTED:
        await asyncio.sleep(0)
    with read_only(at):
        while at.gateway.deps.journal.healthy:
            await asyncio.sleep(0)
        assert await state(at, running) is StatementState.SUBMITTED
    assert (await at.settled(running.execution_id)).status is Status.SUCCESS
    assert len(at.sent("orders")) == 1


async def state(at: Stage, envelope: Envelope) -> StatementState:
    (stored,) = await at.every(Statement, id=envelope.execution_id)
    found: StatementState = stored.state
    return found


async def test_a_statement_admitted_too_late_is_never_sent(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk answers after the caller was told `not_recorded`, the intent that is there ends as `not_sent`."""
    await at.session()
    gate, admit = threading.Event(), StoredUnit.admit

    async def slowly(unit: StoredUnit, *given: Any) -> bool:
        admitted = await admit(unit, *given)
        assert gate.wait(60)
        return admitted

    monkeypatch.setattr(StoredUnit, "admit", slowly)
    monkeypatch.setattr(entry_module, "PATIENCE_S", 2.0)
    told = await at.query(PENDING)
    assert (told.status, told.fields["code"]) == (Status.FAILED, "not_recorded")
    gate.set()
    while not (found := await at.every(Statement, id=told.execution_id)) or found[0].state is StatementState.ADMITTED:
        await asyncio.sleep(0)
    assert found[0].state is StatementState.NOT_SENT
    assert at.sent("orders") == []


async def test_a_refusal_that_cannot_be_recorded_is_still_a_refusal(at: Stage) -> None:
    """While nothing can be written, a call that would be refused is told `not_recorded` and learns nothing else."""
    await at.session()
    with read_only(at):
        assert await code_of(at.call("skipass_show_session", {"session_id": "ses_nobody"})) == "not_recorded"


async def code_of(call: Awaitable[Envelope]) -> str:
    """Return the code of a refusal, raised or answered."""
    try:
        return str((await call).fields["code"])
    except SkipassError as refused:
        return refused.code
