"""Records are found through an index: those that fit of a bounded number, in order, with the place to go on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skipass.audit.chain import Record
from skipass.audit.events import Event
from skipass.audit.searching import START, Found, Search, place_of
from skipass.clock import SystemClock
from skipass.nouns.session import AccessSession, SessionState
from skipass.nouns.statement import Statement, StatementState
from skipass.storage.searching import found_by
from skipass.storage.sqlite import SqliteExecutor, connect
from skipass.storage.unit import StoredReader, StoredUnit
from storage.conftest import Journal

pytestmark = pytest.mark.anyio
TENANT = "tnt_1"
KINDS = ("statement.admitted", "statement.succeeded", "policy.applied")


async def filled(journal: Journal, count: int = 60) -> list[Record]:
    """Write events in batches of ten, so that several have one moment, and return them in order."""

    def some(start: int) -> Any:
        async def emit(unit: StoredUnit) -> None:
            for n in range(start, start + 10):
                body = {"n": n, "reads": [f"OPS_DB.OPS.T_{n % 4}"], "by": f"usr_{n % 5}"}
                unit.emit(Event(TENANT, KINDS[n % 3], f"stm_{n % 6}", body, f"ses_{n % 2}"))
            unit.emit(Event("tnt_2", KINDS[0], "stm_1", {"reads": ["OPS_DB.OPS.T_1"]}, "ses_1"))

        return emit

    for start in range(0, count, 10):
        await journal.write(some(start))
    found = await search(journal, Search(TENANT, limit=1000))
    assert [record.content()["n"] for record in found.records] == list(range(count))
    return list(found.records)


async def search(journal: Journal, wanted: Search) -> Found:
    async def load(reader: StoredReader) -> Found:
        return await reader.search(wanted)

    found: Found = await journal.read(load)
    return found


async def every(journal: Journal, wanted: Search) -> list[Record]:
    """Follow a search to its end."""
    records: list[Record] = []
    while True:
        found = await search(journal, wanted)
        assert len(found.records) <= wanted.limit
        records += found.records
        if found.onward is None:
            return records
        wanted = replace(wanted, after=found.onward)


@pytest.mark.parametrize("window", [1, 7, 25])
@pytest.mark.parametrize("backward", [False, True])
async def test_every_way_of_looking_finds_each_event_once(journal: Journal, window: int, backward: bool) -> None:
    """Page after page, however small, forward and backward, what fits is found once and in order."""
    events = await filled(journal)
    far = (1 << 60, "", 0) if backward else START
    looked = Search(TENANT, far, backward=backward, window=window, limit=5)
    fits: dict[str, tuple[Search, Any]] = {
        "all": (looked, lambda record, body: True),
        "session": (replace(looked, session_id="ses_1"), lambda record, body: record.session_id == "ses_1"),
        "subject": (replace(looked, subject="stm_4"), lambda record, body: record.subject == "stm_4"),
        "kind": (replace(looked, kind=KINDS[2]), lambda record, body: record.kind == KINDS[2]),
        "both": (
            replace(looked, session_id="ses_0", kind=KINDS[0]),
            lambda r, b: (r.session_id, r.kind) == ("ses_0", KINDS[0]),
        ),
        "named": (replace(looked, named=("usr_3",)), lambda record, body: body["by"] == "usr_3"),
        "text": (replace(looked, text="ops.t_2"), lambda record, body: body["reads"] == ["OPS_DB.OPS.T_2"]),
        "mark": (replace(looked, text="T%2"), lambda record, body: False),
    }
    for name, (wanted, fit) in fits.items():
        expected = [record for record in events if fit(record, record.content())]
        assert await every(journal, wanted) == (expected[::-1] if backward else expected), name


async def test_a_moment_ends_a_search(journal: Journal) -> None:
    """Nothing from that moment on is found; a chain is read between two of its numbers."""
    events = await filled(journal)
    middle = events[30].at_us
    before = await every(journal, Search(TENANT, until_us=middle, limit=1000))
    assert before == [record for record in events if record.at_us < middle]
    assert await every(journal, Search(TENANT, (middle, "", 0), limit=1000)) == events[len(before) :]

    async def load(reader: StoredReader) -> list[Record]:
        return await reader.chain(TENANT, events[0].writer, after=3, until=9, limit=4)

    assert await journal.read(load) == events[3:7]
    assert place_of(events[3]) < place_of(events[4])


class Explained(SqliteExecutor):
    """Notes how SQLite goes about each query before it runs."""

    plans: list[str]

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> Any:
        self.plans += [row["detail"] for row in await super().rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return await super().rows(sql, parameters)


@pytest.fixture
def explained(database: Path) -> Iterator[Explained]:
    connection = connect(database, read_only=True)
    explained = Explained(connection)
    explained.plans = []
    yield explained
    connection.close()


async def test_no_search_reads_the_whole_record(explained: Explained) -> None:
    """SQLite goes through an index that narrows by tenant and time, or by what is looked for, whatever is asked."""
    wanted = Search(TENANT, named=("usr_1",), text="x")
    for one in (wanted, replace(wanted, session_id="s"), replace(wanted, subject="s"), replace(wanted, kind="k")):
        for backward in (False, True):
            await found_by(replace(one, backward=backward), explained)
    assert {plan for plan in explained.plans if "SCAN" in plan} <= {"SCAN found"}
    assert {plan.split("(")[0] for plan in explained.plans if "events" in plan} == {
        f"SEARCH events USING INDEX events_{name} " for name in ("time", "session", "subject", "kind")
    }


async def test_what_is_of_one_state_is_listed_from_an_index(explained: Explained) -> None:
    """Sessions and statements of a state come in the order of their ids with nothing sorted and nothing passed over."""
    reader = StoredReader(explained, SystemClock().now())
    await reader.find(AccessSession, descending=True, limit=50, tenant_id=TENANT, state=SessionState.CLOSED)
    await reader.find(Statement, limit=100, state=StatementState.APPROVED)
    assert explained.plans == [
        "SEARCH sessions USING INDEX sessions_state_order (state=?)",
        "SEARCH statements USING INDEX statements_state (state=?)",
    ]
