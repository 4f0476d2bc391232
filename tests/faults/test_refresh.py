"""Refresh in numbers: four gateways on one PostgreSQL database, and Snowflake's single-use refresh tokens."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.linked import Linked, linked
from gateways import Stage, snowflake
from postgres import Postgres
from replicas import beside
from skipass.errors import SkipassError
from skipass.gateway import renewal
from skipass.gateway.clients import Clients
from skipass.gateway.refresh import Refresher
from skipass.gateway.renewal import Renewal
from skipass.gateway.revocation import Epoch
from skipass.nouns.account import AccountState
from skipass.nouns.connection import CredentialState
from skipass.sandbox.testing import RunningSandbox

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
EXPIRIES, CALLERS, REPLICAS, KILLS = 200, 100, 4, 200
POINTS = ("refresh_claimed", "refresh_answered", "refresh_recorded")


class Killed(Exception):
    """A process was ended here."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def four(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> AsyncIterator[tuple[Linked, list[Stage]]]:
    url = postgres.url(shared)
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(linked(sandbox, tmp_path / "home", database_url=url))
        more = [
            await stack.enter_async_context(beside(own.at, tmp_path / f"home-{n}", url, own.stage.clock))
            for n in range(1, REPLICAS)
        ]
        yield own, [own.at, *more]


async def test_each_expiry_costs_one_refresh(four: tuple[Linked, list[Stage]]) -> None:
    """200 expiries with 100 callers at each of four gateways: 200 token requests, and no refresh token twice."""
    own, stages = four
    for _ in range(EXPIRIES):
        own.expire()
        out = await own.out()
        wanted = [at.gateway.refresher.token(out) for at in stages for _ in range(CALLERS)]
        assert len({token.value.reveal() for token in await asyncio.gather(*wanted)}) == 1
    counts = own.counts()
    assert counts["tokens_refreshed"] == EXPIRIES
    assert counts.get("refresh_tokens_reused", 0) == 0


async def test_no_kill_loses_an_authorisation_in_silence(
    four: tuple[Linked, list[Stage]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway killed 200 times at a random step of a refresh: the account goes on, or says why it does not."""
    own, stages = four
    seed = int(os.environ.get("SKIPASS_TEST_SEED", "0")) or random.SystemRandom().getrandbits(32)
    print(f"SKIPASS_TEST_SEED={seed}")
    chance, armed, lost = random.Random(seed), [""], 0

    def reached(point: str) -> None:
        if armed[0] == point:
            armed[0] = ""
            raise Killed(point)

    monkeypatch.setattr(renewal, "reached", reached)
    for _ in range(KILLS):
        own.expire()
        out, point = await own.out(), chance.choice(POINTS)
        armed[0] = point
        with pytest.raises(Killed):
            await _process(chance.choice(stages)).token(out)
        own.stage.pass_(31)
        answers = await asyncio.gather(*(_process(at).token(out) for at in stages), return_exceptions=True)
        credential, account = await own.credential(), await own.account()
        if point == "refresh_answered":
            lost += 1
            assert (credential.state, credential.reason) == (CredentialState.EXPIRED, "refresh_ambiguous")
            assert (account.state, account.reason) == (AccountState.EXPIRED, "refresh_ambiguous")
            told = {one.code for one in answers if isinstance(one, SkipassError)}
            assert told - {"not_recorded"} == {"consent_required"}  # a database that is slow to answer says so first
            await own.relink()
        else:
            assert len({one.value.reveal() for one in answers if not isinstance(one, BaseException)}) == 1
            assert (credential.state, account.state) == (CredentialState.ACTIVE, AccountState.ACTIVE)
    assert own.counts().get("refresh_tokens_reused", 0) == lost


def _process(at: Stage) -> Refresher:
    """Return what a process has when it has just started."""
    deps = at.gateway.deps
    return Refresher(deps, Renewal(deps, Clients(deps)), Epoch(deps))
