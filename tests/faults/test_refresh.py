"""Refresh in numbers: four gateway processes on one PostgreSQL database, and Snowflake's single-use refresh tokens."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from faults.fleet import Fleet, fleet
from gateway.linked import linked
from gateways import snowflake
from postgres import Postgres
from skipass.nouns.account import AccountState, ConnectedAccount
from skipass.nouns.connection import Credential, CredentialState
from skipass.sandbox.testing import RunningSandbox
from skipass.storage.pgexport import records_from

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
EXPIRIES, CALLERS, REPLICAS, KILLS = 200, 100, 4, 200
POINTS = ("refresh_claimed", "refresh_answered", "refresh_recorded")
AMONG_OTHERS, ALONE = "anywhere, among others", "anywhere, before others"
KEPT, LOST = "kept", "lost"
LEASE_S = 31
Others: TypeAlias = "asyncio.Future[list[set[str] | None]]"
CLAIMED = "SELECT writer FROM events WHERE kind = 'credential.refreshing' ORDER BY at_us DESC, seq DESC LIMIT 1"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def four(sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    url = postgres.url(shared)
    async with (
        linked(sandbox, tmp_path / "home", database_url=url) as own,
        fleet(own, tmp_path, url, REPLICAS) as crew,
    ):
        yield crew


async def test_each_expiry_costs_one_refresh(four: Fleet) -> None:
    """200 expiries with 100 callers at each of four gateways: 200 token requests, and no refresh token twice."""
    for _ in range(EXPIRIES):
        four.pass_(601)
        (got,) = {frozenset(one or ()) for one in await asked(four, CALLERS)}
        assert len(got) == 1
        assert "_" not in min(got), got
    counts = four.own.counts()
    assert counts["tokens_refreshed"] == EXPIRIES
    assert counts.get("refresh_tokens_reused", 0) == 0
    assert (await four.own.credential()).generation == 1 + EXPIRIES


async def test_no_kill_loses_an_authorisation_in_silence(four: Fleet, postgres: Postgres, shared: str) -> None:
    """A gateway killed 200 times, at each step of a refresh or anywhere: the account goes on, or says why it does not.

    It may stop only where the token was replaced and nobody is left who knows by what. Each generation costs one.
    """
    seed = int(os.environ.get("SKIPASS_TEST_SEED", "0")) or random.SystemRandom().getrandbits(32)
    print(f"SKIPASS_TEST_SEED={seed}")
    chance, span_s, went = random.Random(seed), await span(four), Counter[tuple[str, str]]()
    looking = await postgres.connect(shared)
    for _ in range(KILLS):
        point, place = chance.choice((*POINTS, AMONG_OTHERS, ALONE)), chance.randrange(REPLICAS)
        before = await Standing.of(four)
        four.pass_(601)
        after_s = chance.uniform(0, span_s)
        if point in POINTS:
            others = await killed_at(four, place, point)
        else:
            others = await killed_after(four, place, after_s, alone=point == ALONE)
        got = await survived(four, place, others, looking)
        went[point, end := ended(before, await Standing.of(four), got)] += 1
        if end == LOST:
            await four.own.relink()
        await four.start(place)
    await looking.close()
    assert {end for point, end in went if point == "refresh_answered"} == {LOST}
    assert {end for point, end in went if point in ("refresh_claimed", "refresh_recorded")} == {KEPT}
    assert await skipped(postgres, shared) == []
    print(dict(went))


@dataclass(frozen=True, slots=True)
class Standing:
    """The account's credential at one moment, and what Snowflake's token endpoint has counted by then."""

    credential: Credential
    account: ConnectedAccount
    refreshed: int
    reused: int

    @classmethod
    async def of(cls, four: Fleet) -> Standing:
        counts = four.own.counts()
        seen = (counts.get("tokens_refreshed", 0), counts.get("refresh_tokens_reused", 0))
        return cls(await four.own.credential(), await four.own.account(), *seen)


def ended(before: Standing, after: Standing, got: set[str]) -> str:
    """Return whether the account went on or was lost and said so, and hold that it was one of the two, whole."""
    credential, account = after.credential, after.account
    assert after.refreshed == before.refreshed + 1
    if credential.state is CredentialState.ACTIVE:
        assert (account.state, credential.generation) == (AccountState.ACTIVE, before.credential.generation + 1)
        assert after.reused == before.reused
        assert len(got) == 1
        assert "_" not in min(got), got
        return KEPT
    assert (credential.state, credential.reason) == (CredentialState.EXPIRED, "refresh_ambiguous")
    assert (account.state, account.reason) == (AccountState.EXPIRED, "refresh_ambiguous")
    assert (got, after.reused) == ({"consent_required"}, before.reused + 1)
    return LOST


async def span(four: Fleet) -> float:
    """Return how many seconds a refresh takes for all of them at best, so that most kills fall somewhere within one."""
    took = []
    for _ in range(5):
        four.pass_(601)
        began = time.monotonic()
        await asked(four, 5)
        took.append(time.monotonic() - began)
    return min(took)


async def asked(four: Fleet, callers: int, *, but: int | None = None) -> list[set[str] | None]:
    """Return what the callers at each gateway got, all asking at once."""
    credential = four.own.credential_id
    members = [member for place, member in enumerate(four.members) if place != but]
    return list(await asyncio.gather(*(one.ask(credential, callers) for one in members)))


async def killed_at(four: Fleet, place: int, point: str) -> Others:
    """Have one gateway die at a point of the refresh that it does, and have the others asked then."""
    victim = four.members[place]
    await victim.arm(point)
    assert await victim.ask(four.own.credential_id, 5) is None
    await four.bury(place)
    return asyncio.ensure_future(asked(four, 5, but=place))


async def killed_after(four: Fleet, place: int, after_s: float, *, alone: bool) -> Others:
    """Kill one gateway while all of them are asked, or before the others are, whatever it is doing then."""
    victim = asyncio.ensure_future(four.members[place].ask(four.own.credential_id, 5))
    others = None if alone else asyncio.ensure_future(asked(four, 5, but=place))
    await asyncio.sleep(after_s)
    await four.kill(place)
    await victim
    return others or asyncio.ensure_future(asked(four, 5, but=place))


async def survived(four: Fleet, place: int, others: Others, looking: Any) -> set[str]:
    """Let the lease of a dead process run out if it held it, and return what the callers of the others got."""
    held = False
    while not (held or (await asyncio.wait([others], timeout=0.05))[0]):
        if (await four.own.credential()).state is CredentialState.REFRESHING:
            holder = str(await looking.fetchval(CLAIMED))  # a chain that was sealed goes on as BOOT.2
            held = holder.partition(".")[0] == four.members[place].boot
    if held:
        four.pass_(LEASE_S)
    got = await others
    assert None not in got
    return set().union(*(one or () for one in got))


async def skipped(postgres: Postgres, database: str) -> list[tuple[str, list[int]]]:
    """Return the credentials whose generations, as they are recorded, do not follow one another, each once."""
    found: dict[str, list[int]] = {}
    records = [one async for one in records_from(postgres.server(database)) if one.kind == "credential.active"]
    for one in sorted(records, key=lambda one: one.at_us):
        if "rotated" in one.content():
            found.setdefault(one.subject, []).append(one.content()["generation"])
    assert found
    return [(who, seen) for who, seen in found.items() if seen != list(range(seen[0], seen[0] + len(seen)))]
