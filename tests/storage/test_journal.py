"""One journal owns every write of a process: in batches, each entry for itself, chained, never for who has gone."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from skipass.audit.chain import Head
from skipass.audit.events import DEPLOYMENT, Event
from skipass.audit.verify import check
from skipass.errors import SkipassError
from skipass.nouns.people import Tenant
from skipass.storage import entry as module
from skipass.storage.entry import Entry
from skipass.storage.export import records
from skipass.storage.unit import StoredReader, StoredUnit
from storage.conftest import Journal, Store, in_file

pytestmark = pytest.mark.anyio
AT = datetime(2026, 3, 1, tzinfo=UTC)


def tenant(name: str) -> Tenant:
    return Tenant(f"tnt_{name}", name, b"", AT)


async def names(journal: Journal) -> list[str]:
    """Return the committed tenants."""

    async def load(reader: StoredReader) -> list[Tenant]:
        return await reader.find(Tenant)

    return [one.name for one in await journal.read(load)]


def adding(name: str, *, then: Exception | None = None) -> Any:
    """Return work that adds a tenant with its event, and may fail after it."""

    async def add(unit: StoredUnit) -> str:
        await unit.insert(tenant(name))
        unit.emit(Event(f"tnt_{name}", "gateway.initialised", name))
        if then is not None:
            raise then
        return name

    return add


class Gate:
    """Holds the journal inside a transaction until it is opened, as a disk that hangs does."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    async def hold(self, unit: StoredUnit) -> str:
        """Be slow."""
        self.entered.set()
        while not self.open.is_set():
            await unit.setting("anything")
        return "held"

    async def wait(self) -> None:
        """Return once the journal is held."""
        assert await asyncio.to_thread(self.entered.wait, 30)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, patience: None) -> None:
    """Make callers give up after a twentieth of a second."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)


async def test_what_waits_together_is_committed_together(store: Store, journal: Journal) -> None:
    """Entries that queue while the disk is busy share one commit: one time, consecutive records."""
    gate = Gate()
    slow = asyncio.create_task(journal.write(gate.hold))
    await gate.wait()
    waiting = [asyncio.create_task(journal.write(adding(f"t{n}"))) for n in range(20)]
    while journal._queue.qsize() < 20:
        await asyncio.sleep(0)
    gate.open.set()
    assert await slow == "held"
    assert await asyncio.gather(*waiting) == [f"t{n}" for n in range(20)]
    times = {record.at_us for record in await store.records("gateway.initialised")}
    assert len(times) == 1


async def test_one_entrys_failure_is_its_own(store: Store, journal: Journal) -> None:
    """Of entries in one batch the failing ones leave neither rows nor records, and the others are whole."""
    gate = Gate()
    slow = asyncio.create_task(journal.write(gate.hold))
    await gate.wait()

    async def unstorable(unit: StoredUnit) -> None:
        await unit.set("name", None)  # type: ignore[arg-type]

    async def unbindable(unit: StoredUnit) -> None:
        await unit.set("name", object())  # type: ignore[arg-type]

    works = [
        adding("one"),
        adding("two", then=SkipassError("conflict")),
        adding("three", then=RuntimeError("a bug")),
        adding("one"),
        unstorable,
        unbindable,
        adding("four"),
    ]
    tasks = [asyncio.create_task(journal.write(work)) for work in works]
    while journal._queue.qsize() < len(works):
        await asyncio.sleep(0)
    gate.open.set()
    await slow
    found = await asyncio.gather(*tasks, return_exceptions=True)
    told = [one if isinstance(one, str) else getattr(one, "code", type(one).__name__) for one in found]
    assert told == ["one", "conflict", "RuntimeError", "conflict", "internal_error", "internal_error", "four"]
    assert await names(journal) == ["four", "one"]
    kept = await store.records("gateway.initialised")
    assert sorted(record.subject for record in kept) == ["four", "one"]
    assert journal.healthy


@pytest.mark.usefixtures("impatient")
async def test_a_caller_that_waited_too_long_is_told_and_undone(store: Store, journal: Journal) -> None:
    """Work that commits after its caller was told `not_recorded` is followed by its undoing."""
    gate, undone = Gate(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def late(unit: StoredUnit, result: str) -> None:
        unit.emit(Event(DEPLOYMENT, "auth.refused", result))
        loop.call_soon_threadsafe(undone.set)

    with pytest.raises(SkipassError) as refused:
        await journal.write(gate.hold, late=late)
    assert refused.value.code == "not_recorded"
    assert refused.value.retryable
    gate.open.set()
    await undone.wait()
    await journal.write(adding("after"))
    assert [record.subject for record in await store.records("auth.refused")] == ["held"]


@pytest.mark.usefixtures("impatient")
async def test_work_whose_caller_has_gone_is_not_begun(journal: Journal) -> None:
    """What still waits in the queue when its caller is told `not_recorded` never happens, nor does its undoing."""
    gate, begun = Gate(), threading.Event()

    async def mark(unit: StoredUnit, *_: Any) -> None:
        begun.set()

    slow = asyncio.create_task(journal.write(gate.hold))
    await gate.wait()
    with pytest.raises(SkipassError):
        await journal.write(mark, late=mark)
    gate.open.set()
    await asyncio.gather(slow, return_exceptions=True)
    await journal.write(adding("after"))
    assert not begun.is_set()


async def test_a_cancelled_callers_commit_is_undone(journal: Journal) -> None:
    """A caller that is cancelled while its work commits leaves nothing that counts."""
    gate = Gate()

    async def late(unit: StoredUnit, result: str) -> None:
        await unit.set("undone", result)

    task = asyncio.create_task(journal.write(gate.hold, late=late))
    await gate.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.open.set()

    async def undone(unit: StoredUnit) -> str | None:
        return await unit.setting("undone")

    await journal.write(adding("one"))
    assert await journal.write(undone) == "held"


async def test_work_that_waits_for_anything_else_is_refused(journal: Journal) -> None:
    """A unit of work awaits its transaction alone; one that awaits a socket or a timer fails and holds nobody up."""

    async def dawdle(unit: StoredUnit) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="not its transaction"):
        await journal.write(dawdle)
    assert await journal.write(adding("next")) == "next"


async def test_a_reader_sees_one_state(journal: Journal) -> None:
    """What commits during a read does not appear in it."""
    started, go_on = threading.Event(), threading.Event()

    async def twice(reader: StoredReader) -> tuple[int, int]:
        before = len(await reader.find(Tenant))
        started.set()
        while not go_on.is_set():
            await reader.count(Tenant)
        return before, len(await reader.find(Tenant))

    reading = asyncio.create_task(journal.read(twice))
    assert await asyncio.to_thread(started.wait, 30)
    await journal.write(adding("meanwhile"))
    go_on.set()
    assert await reading == (0, 0)
    assert await names(journal) == ["meanwhile"]


async def test_a_reader_cannot_write(journal: Journal) -> None:
    """A read that tries to change something fails; the journal stays the only writer."""

    async def cheat(reader: StoredReader) -> None:
        await StoredUnit(reader._executor, reader.now).insert(tenant("x"))

    with pytest.raises(SkipassError):
        await journal.read(cheat)
    assert await names(journal) == []


async def test_the_next_writer_seals_the_chains_of_the_dead(database: Path) -> None:
    """A new process records the last number and hash of every chain that its predecessors left, once."""
    for boot in ("bot_1", "bot_2", "bot_3"):
        async with in_file(database).opened(boot) as journal:
            await journal.write(adding(boot))
            heads = journal.heads()
    found = list(records(database))
    assert check(found).ok
    seals = {(r.writer, r.subject, r.tenant_id): r.content() for r in found if r.kind == "chain.sealed"}
    assert set(seals) == {
        (after, before, of)
        for before, after in (("bot_1", "bot_2"), ("bot_2", "bot_3"))
        for of in {r.tenant_id for r in found if r.writer == before}
    }
    for (_, before, of), body in seals.items():
        last = max((r for r in found if (r.writer, r.tenant_id) == (before, of)), key=lambda r: r.seq)
        assert body == {"writer": before, "seq": last.seq, "hash": last.hash}
    newest = [r for r in found if (r.writer, r.tenant_id) == ("bot_3", DEPLOYMENT)]
    assert heads[DEPLOYMENT] == Head(*max((r.seq, r.hash) for r in newest))


async def test_events_page_in_order_of_time(journal: Journal) -> None:
    """Pages of a tenant's events follow each other without gap or repetition, whatever their size."""

    async def emit(unit: StoredUnit) -> None:
        for n in range(25):
            unit.emit(Event("tnt_1", "auth.refused", f"s{n}", {}, "ses_1" if n % 2 else None))

    await journal.write(emit)

    async def page(after: str | None) -> list[Any]:
        return await journal.read(lambda r: r.events("tnt_1", session_id=None, after=after, limit=7))

    seen, after = [], None
    while found := await page(after):
        seen += [record.subject for record in found]
        after = f"{found[-1].at_us}:{found[-1].writer}:{found[-1].seq}"
    assert seen == [f"s{n}" for n in range(25)]
    with pytest.raises(SkipassError) as refused:
        await page("not:a-cursor")
    assert refused.value.code == "invalid_request"


async def test_a_cancellation_is_never_lost(store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller cancelled in the very moment its answer comes is cancelled: else a background job would never end."""
    task = asyncio.create_task(journal.write(adding("one"), late=_forget))
    wake = Entry._wake

    def wake_and_cancel(entry: Entry) -> None:
        wake(entry)
        task.cancel()

    monkeypatch.setattr(Entry, "_wake", wake_and_cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    await journal.write(adding("two"))
    assert "forgotten" in [record.subject for record in await store.records()]


async def _forget(unit: StoredUnit, result: str) -> None:
    unit.emit(Event(DEPLOYMENT, "auth.refused", "forgotten"))
