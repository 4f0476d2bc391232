"""The journal on a server: several writers, none of whom may break what holds for one, and a server that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from postgres import Postgres, Wire, wired
from skipass.audit.chain import Head
from skipass.audit.events import DEPLOYMENT, Event
from skipass.audit.verify import check
from skipass.clock import Clock, SystemClock
from skipass.errors import SkipassError
from skipass.nouns.people import Tenant
from skipass.storage import entry as entry_module
from skipass.storage import pgjournal
from skipass.storage.batch import Batch
from skipass.storage.pgjournal import SILENT, PostgresJournal
from skipass.storage.unit import StoredReader, StoredUnit
from storage.clocks import ManualClock
from storage.conftest import Store, on_server
from storage.test_journal import adding, names, tenant

pytestmark = pytest.mark.anyio
WRITERS = 4


@pytest.fixture
def store(postgres: Postgres, shared: str) -> Store:
    return on_server(postgres.server(shared))


@pytest.fixture
async def writers(store: Store) -> AsyncIterator[list[PostgresJournal]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(store.opened(f"bot_{n}")) for n in range(WRITERS)]


async def everywhere(writers: list[PostgresJournal], work: Any, times: int) -> list[Any]:
    """Let every writer do it many times at once, and return all results."""
    tasks = [writers[n % len(writers)].write(work) for n in range(times)]
    return await asyncio.gather(*tasks)


async def test_no_update_is_lost(store: Store, writers: list[PostgresJournal]) -> None:
    """What reads a value and writes the next one counts right, however many writers do it at once."""

    async def count(unit: StoredUnit) -> int:
        number = int(await unit.setting("number") or 0) + 1
        await unit.set("number", str(number))
        unit.emit(Event(DEPLOYMENT, "auth.refused", str(number)))
        return number

    assert sorted(await everywhere(writers, count, 80)) == list(range(1, 81))
    found = await store.records()
    assert check(found).ok
    assert sorted(int(record.subject) for record in found if record.kind == "auth.refused") == list(range(1, 81))


async def test_two_writers_never_both_do_what_one_may(writers: list[PostgresJournal]) -> None:
    """Of many that look whether something is there and else add it, one adds it: no key stands in the others' way."""
    number = iter(range(1_000))

    async def once(unit: StoredUnit) -> bool:
        if await unit.find(Tenant, name="the one"):
            return False
        await unit.insert(Tenant(f"tnt_{next(number)}", "the one", b"", unit.now))
        return True

    assert sum(await everywhere(writers, once, 40)) == 1
    assert await names(writers[0]) == ["the one"]


async def test_what_is_true_of_two_rows_stays_true(writers: list[PostgresJournal]) -> None:
    """Where each may go as long as another stays, one stays: no two writers decide on what the other is changing."""
    pairs = range(10)

    def leaving(pair: int, me: int) -> Any:
        async def leave(unit: StoredUnit) -> None:
            if await unit.setting(f"{pair}/{1 - me}") == "there":
                await unit.set(f"{pair}/{me}", "gone")

        return leave

    async def arrive(unit: StoredUnit) -> None:
        for pair in pairs:
            for me in (0, 1):
                await unit.set(f"{pair}/{me}", "there")

    async def left(reader: StoredReader) -> list[int]:
        found = [[await reader.setting(f"{pair}/{me}") for me in (0, 1)] for pair in pairs]
        return [both.count("there") for both in found]

    await writers[0].write(arrive)
    await asyncio.gather(*(writers[me].write(leaving(pair, me)) for pair in pairs for me in (0, 1)))
    assert await writers[0].read(left) == [1] * 10


async def test_a_row_that_stays_locked_fails_one_entry(
    postgres: Postgres, shared: str, writers: list[PostgresJournal]
) -> None:
    """An entry that needs a row somebody holds is told `not_recorded`; what shares its batch is committed."""
    await writers[0].write(lambda unit: unit.set("held", "1"))
    other = await postgres.connect(shared)
    await other.execute("BEGIN")
    await other.execute("UPDATE settings SET value = '2' WHERE name = 'held'")
    waits = asyncio.create_task(writers[0].write(lambda unit: unit.set("held", "3")))
    goes = [asyncio.create_task(writers[0].write(adding(name))) for name in ("one", "two")]
    with pytest.raises(SkipassError) as refused:
        await waits
    assert refused.value.code == "not_recorded"
    assert await asyncio.gather(*goes) == ["one", "two"]
    await other.close()
    assert writers[0].healthy


async def test_a_writer_that_stands_still_loses_its_transaction(postgres: Postgres, shared: str, store: Store) -> None:
    """A process stopped in the middle of a transaction holds a row for two seconds, no longer; its work is undone."""
    async with over_a_wire(postgres, shared, "bot_still") as (still, wire), store.opened("bot_1") as other:
        held = asyncio.Event()

        async def hold(unit: StoredUnit) -> None:
            await unit.set("row", "still")
            held.set()
            wire.hang()
            await unit.setting("row")

        stopped = asyncio.create_task(still.write(hold))
        await held.wait()
        with pytest.raises(SkipassError) as refused:
            await other.write(lambda unit: unit.set("row", "other"))
        assert refused.value.code == "not_recorded"
        await _until_recorded(other, lambda unit: unit.set("row", "other"))
        wire.go_on()
        assert await code_of(stopped) == "not_recorded"
        assert await other.read(lambda reader: reader.setting("row")) == "other"
        await still.write(_nothing)


async def test_records_follow_each_other_in_time_whoever_writes(store: Store, writers: list[PostgresJournal]) -> None:
    """Times come from the one clock of the database: what was committed later, by any writer, is not dated earlier."""
    for n in range(20):
        await writers[n % WRITERS].write(adding(f"t{n}"))
    times = {record.subject: record.at_us for record in await store.records("gateway.initialised")}
    assert [times[f"t{n}"] for n in range(20)] == sorted(times.values())


async def test_the_chain_of_a_silent_writer_is_sealed_once(store: Store) -> None:
    """Ten seconds without a commit, and one of the others seals a chain where it ends; nobody is sealed early."""
    async with store.opened("bot_gone") as gone:
        await gone.write(adding("one"))
        ends = gone.heads()
    clock = ManualClock()
    async with store.opened("bot_1", clock) as one, store.opened("bot_2", clock) as two:
        await asyncio.gather(one.seal_silent(), two.seal_silent())
        assert not await store.records("chain.sealed")
        clock.pass_(SILENT.total_seconds() + 1)
        await asyncio.gather(one.write(_nothing), two.write(_nothing))
        await asyncio.gather(one.seal_silent(), two.seal_silent())
        await asyncio.gather(one.seal_silent(), two.seal_silent())
    seals = [record for record in await store.records("chain.sealed") if record.subject == "bot_gone"]
    found = {record.tenant_id: Head(record.content()["seq"], record.content()["hash"]) for record in seals}
    assert len(seals) == len(found)
    assert found == ends


async def _nothing(unit: StoredUnit) -> None:
    """Commit an empty entry."""


async def test_a_writer_taken_for_dead_goes_on_in_a_new_chain(postgres: Postgres, shared: str, store: Store) -> None:
    """Nothing is ever appended behind a seal: a process that was only slow continues under another writer's name."""
    clock = ManualClock()
    async with store.opened("bot_slow") as slow, store.opened("bot_1", clock) as quick:
        await slow.write(adding("before"))
        clock.pass_(SILENT.total_seconds() + 1)
        await quick.write(_nothing)
        await quick.seal_silent()
        await slow.write(adding("after"))
        assert slow.boot_id == "bot_slow"
        assert (slow.writer, quick.writer) == ("bot_slow.2", "bot_1")
        assert slow.heads().keys() == {"tnt_after"}
    found = await store.records()
    assert check(found).ok
    assert {r.subject: r.writer for r in found if r.kind == "gateway.initialised"} == {
        "before": "bot_slow",
        "after": "bot_slow.2",
    }


async def test_nobody_is_judged_before_he_could_be_heard(store: Store) -> None:
    """A process that has only just reached the database takes nobody's statements: the others come back as it does."""
    clock = ManualClock()
    async with store.opened("bot_1", clock) as journal:
        assert not (await journal.write(_judges))
        clock.pass_(SILENT.total_seconds())
        assert await journal.write(_judges)


async def _judges(unit: StoredUnit) -> bool:
    return unit._judges


@asynccontextmanager
async def over_a_wire(
    postgres: Postgres, shared: str, boot: str, clock: Clock | None = None
) -> AsyncIterator[tuple[PostgresJournal, Wire]]:
    """Yield a journal, and the wire to its database."""
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(wired(postgres.port))
        store = on_server(postgres.server(shared, port=wire.port))
        journal = await stack.enter_async_context(store.opened(boot, clock))
        yield journal, wire
        wire.go_on()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, patience: None) -> None:
    """Let callers and batches give up soon."""
    monkeypatch.setattr(entry_module, "PATIENCE_S", 0.5)
    monkeypatch.setattr(pgjournal, "BATCH_S", 0.5)


async def code_of(work: Any) -> str:
    """Return the code something is refused with."""
    with pytest.raises(SkipassError) as refused:
        await work
    return refused.value.code


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_a_server_that_is_gone_refuses_and_comes_back(
    postgres: Postgres, shared: str, store: Store, how: str
) -> None:
    """Gone or hanging, reads and writes are `not_recorded`; back again, the same journal goes on in the same chain."""
    async with over_a_wire(postgres, shared, "bot_1") as (journal, wire):
        await journal.write(adding("before"))
        if how == "cut":
            await wire.cut()
        else:
            wire.hang()
        assert await code_of(journal.write(adding("lost"))) == "not_recorded"
        assert await code_of(names(journal)) == "not_recorded"
        while journal.healthy:
            await asyncio.sleep(0)
        assert not await journal.migrated()
        if how == "cut":
            await wire.mend()
        wire.go_on()
        while not await _recorded(journal, "after"):
            pass
        assert journal.healthy
        assert await journal.migrated()
        assert "before" in await names(journal)
        assert journal.writer == "bot_1"
    assert check(await store.records()).ok


async def _recorded(journal: PostgresJournal, name: str) -> bool:
    try:
        await journal.write(adding(name))
    except SkipassError as error:
        return error.code == "conflict"  # an earlier try that was given up reached the disk
    return True


@pytest.mark.usefixtures("hasty")
async def test_a_commit_whose_answer_was_lost_is_undone(
    postgres: Postgres, shared: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller was told `not_recorded`, so once the server says that it committed, its undoing is committed too."""
    undone = asyncio.Event()

    async def late(unit: StoredUnit, result: str) -> None:
        unit.emit(Event(DEPLOYMENT, "auth.refused", result))
        undone.set()

    async with over_a_wire(postgres, shared, "bot_1") as (journal, wire):
        commit = Batch.commit

        async def unheard(batch: Batch) -> None:
            wire.deafen()
            await commit(batch)

        monkeypatch.setattr(Batch, "commit", unheard)
        assert await code_of(journal.write(adding("unheard"), late=late)) == "not_recorded"
        monkeypatch.setattr(Batch, "commit", commit)
        wire.go_on()
        await _until_recorded(journal)
        await undone.wait()
        await journal.write(_nothing)
    found = await store.records()
    assert [record.subject for record in found if record.kind == "auth.refused"] == ["unheard"]
    assert "unheard" in [record.subject for record in found if record.kind == "gateway.initialised"]
    assert check(found).ok


@pytest.mark.usefixtures("hasty")
async def test_a_commit_that_never_arrived_leaves_nothing_to_undo(
    postgres: Postgres, shared: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends what it never heard the end of; the chain goes on without a gap, and nothing is undone."""
    async with over_a_wire(postgres, shared, "bot_1") as (journal, wire):
        commit = Batch.commit

        async def unsent(batch: Batch) -> None:
            await wire.cut()
            await commit(batch)

        monkeypatch.setattr(Batch, "commit", unsent)
        assert await code_of(journal.write(adding("unsent"), late=_never)) == "not_recorded"
        monkeypatch.setattr(Batch, "commit", commit)
        await wire.mend()
        await _until_recorded(journal)
        await journal.write(adding("unsent"))
    found = await store.records()
    assert check(found).ok
    assert [record.kind for record in found if record.subject == "unsent"] == ["gateway.initialised"]


async def _never(unit: StoredUnit, result: Any) -> None:
    unit.emit(Event(DEPLOYMENT, "auth.refused", "undone"))


async def _until_recorded(journal: PostgresJournal, work: Any = _nothing) -> None:
    while True:
        try:
            await journal.write(work)
        except SkipassError:
            continue
        return


@pytest.mark.usefixtures("hasty")
async def test_a_process_knows_when_it_lost_its_database(postgres: Postgres, shared: str) -> None:
    """A second without an answer and it is out of touch; the next answer ends that."""
    clock = ManualClock()
    async with over_a_wire(postgres, shared, "bot_1", clock) as (journal, wire):
        assert journal.in_touch()
        clock.pass_(0.9)
        assert journal.in_touch()
        clock.pass_(0.2)
        assert not journal.in_touch()
        wire.hang()
        assert await code_of(names(journal)) == "not_recorded"
        assert not journal.in_touch()
        wire.go_on()
        assert await names(journal) == []
        assert journal.in_touch()


async def test_a_clock_that_is_set_is_the_databases(postgres: Postgres, shared: str, store: Store) -> None:
    """A database clock that jumps an hour is one event; set back, the record's time does not follow."""
    admin = await postgres.connect(shared)
    await admin.execute(
        "CREATE SCHEMA set_clock; CREATE TABLE set_clock.off (by interval); INSERT INTO set_clock.off VALUES ('0')"
    )
    await admin.execute(
        "CREATE FUNCTION set_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        " 'SELECT pg_catalog.clock_timestamp() + by FROM set_clock.off'"
    )
    await admin.execute(f"ALTER DATABASE {shared} SET search_path = set_clock, pg_catalog, public")
    async with store.opened("bot_1") as one, store.opened("bot_2") as two:
        for journal in (one, two):
            await journal.write(_nothing)
        before = one.now()
        await admin.execute("UPDATE set_clock.off SET by = '-1 hour'")
        for journal in (one, two, one, two):
            await journal.write(_nothing)
        assert one.now() >= before
        assert two.now() >= before
    async with store.opened("bot_3") as three:
        assert three.now() >= before
        await three.write(_nothing)
    await admin.close()
    jumps = {record.writer: record.content()["seconds"] for record in await store.records("clock.jumped")}
    assert len(await store.records("clock.jumped")) == 3
    assert all(-3700 < seconds < -3500 for seconds in jumps.values())


async def test_a_wall_clock_of_the_process_does_not_count(store: Store) -> None:
    """Two processes whose own clocks are an hour apart write at the same time: the database's."""
    ahead, behind = ManualClock(SystemClock().now()), ManualClock(SystemClock().now())
    ahead.step(3600)
    behind.step(-3600)
    async with store.opened("bot_1", ahead) as one, store.opened("bot_2", behind) as two:
        apart = abs((one.now() - two.now()).total_seconds())
        assert apart < 600
    assert not await store.records("clock.jumped")


async def test_rows_of_more_than_one_kind_are_one_batch(store: Store, writers: list[PostgresJournal]) -> None:
    """A tenant of each writer and a shared one: exactly one gets the shared name, and all chains hold."""

    async def shared_name(unit: StoredUnit) -> str:
        await unit.insert(tenant("shared"))
        return "shared"

    tasks = [writer.write(shared_name) for writer in writers for _ in range(3)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in found if isinstance(one, str)] == ["shared"]
    assert {one.code for one in found if isinstance(one, SkipassError)} == {"conflict"}
    assert check(await store.records()).ok
