"""The time of the record: never back, a jump told once, and no more trust in the wall clock than in monotonic time."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.storage.export import records
from skipass.storage.time import JUMP, Anchor
from skipass.storage.unit import StoredUnit
from storage.clocks import ManualClock
from storage.conftest import in_file

moves = st.lists(
    st.tuples(st.sampled_from(["pass", "step", "commit"]), st.floats(0, 4000), st.sampled_from([-1, 1])), max_size=40
)


@settings(max_examples=300, deadline=None)
@given(moves)
def test_time_never_goes_back_and_no_jump_is_missed(script: list[tuple[str, float, int]]) -> None:
    """Whatever the wall clock does, time advances by at least what passed, and every step over five seconds is told."""
    clock = ManualClock()
    anchor = Anchor(clock, None)
    last, stepped, told, steps = anchor.now(), 0.0, 0, 0
    for what, seconds, sign in script:
        before = anchor.now()
        if what == "pass":
            clock.pass_(seconds)
            assert abs(anchor.now() - before - timedelta(seconds=seconds)) < timedelta(milliseconds=1)
        elif what == "step":
            clock.step(sign * seconds)
            stepped += sign * seconds
            assert anchor.now() == before
        else:
            at, moved = anchor.advance()
            steps += abs(stepped) > JUMP.total_seconds() + 1e-3
            told += abs(moved) > JUMP + timedelta(milliseconds=1)
            stepped = 0.0
            assert at == anchor.now() >= clock.now()
        assert anchor.now() >= last
        last = anchor.now()
    assert told == steps


def test_a_later_start_does_not_begin_before_the_last_commit() -> None:
    """A process that starts with its wall clock an hour back continues from the stored time, and says so once."""
    clock = ManualClock()
    high_water = clock.now()
    clock.step(-3600)
    anchor = Anchor(clock, high_water)
    assert anchor.now() == high_water
    drifts = [anchor.advance()[1] for _ in range(5)]
    assert [abs(drift) > JUMP for drift in drifts] == [True, False, False, False, False]


async def nothing(unit: StoredUnit) -> None:
    """Commit an empty entry."""


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [-3600, -300, -6, 6, 300, 3600])
async def test_a_step_of_the_wall_clock_is_one_event(database: Path, seconds: int) -> None:
    """A clock that is set is one `clock.jumped` with how far, not one at every commit after."""
    clock = ManualClock()
    async with in_file(database).opened(clock=clock) as journal:
        await journal.write(nothing)
        before = journal.now()
        clock.step(seconds)
        for _ in range(5):
            await journal.write(nothing)
            clock.pass_(0.5)
        assert journal.now() - before == timedelta(seconds=2.5 + max(0, seconds))
    (jump,) = [record for record in records(database) if record.kind == "clock.jumped"]
    assert jump.content() == {"seconds": float(seconds)}


@pytest.mark.anyio
async def test_small_corrections_are_no_jump(database: Path) -> None:
    """A clock that is slewed by seconds leaves no event, and records stay in order."""
    clock = ManualClock()
    async with in_file(database).opened(clock=clock) as journal:
        for step in (2, -3, 4, -4, 1):
            clock.step(step)
            clock.pass_(0.1)
            await journal.write(nothing)
    found = list(records(database))
    assert not [record for record in found if record.kind == "clock.jumped"]
    assert all(one.at_us <= two.at_us for one, two in itertools.pairwise(found))


@pytest.mark.anyio
async def test_the_stored_time_survives_a_restart_with_an_earlier_wall_clock(database: Path) -> None:
    """After a restart an hour back, `now` is not earlier than anything that was recorded."""
    clock = ManualClock()
    async with in_file(database).opened("bot_1", clock) as journal:
        clock.pass_(60)
        await journal.write(nothing)
        last = journal.now()
    clock.step(-3600)
    async with in_file(database).opened("bot_2", clock) as journal:
        assert journal.now() >= last
