"""A database beside which a new home begins: its tokens are trusted only in the company of somebody who was there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.linked import Linked, linked
from gateways import BASE_URL, stage
from postgres import Postgres
from replicas import home_beside
from skipass.app import restored
from skipass.app.home import Home
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.gateway.core import Gateway
from skipass.gateway.ports import Reader
from skipass.nouns.connection import Credential
from skipass.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.anyio
KEPT, EXPIRED = ("active", None), ("expired", "refresh_ambiguous")


async def stood(gateway: Gateway, own: Linked) -> tuple[str, str | None]:
    """Return state and reason of the linked credential, as a process finds it."""

    async def load(reader: Reader) -> Credential | None:
        return await reader.get(Credential, own.credential_id)

    found = await gateway.deps.journal.read(load)
    assert found is not None
    return found.state.value, found.reason


async def found(home: Home, url: str, own: Linked) -> tuple[str, str | None]:
    """Start a gateway, and return how it found the credential before it served."""
    async with running(Settings(home=home.path, sandbox=True, database_url=url), BASE_URL) as gateway:
        return await stood(gateway, own)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for company as often, and wait less between."""
    monkeypatch.setattr(restored, "LOOK_S", 0.05)


@pytest.mark.usefixtures("quick")
async def test_a_new_home_alone_trusts_no_single_use_token(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> None:
    """Nobody who was there lives, and the home has no checkpoints: the rows may be a copy, and that is said at once."""
    url = postgres.url(shared)
    async with linked(sandbox, tmp_path / "home", database_url=url) as own:
        home = own.at.home
    assert await found(home, url, own) == KEPT  # with its checkpoints
    assert await found(home_beside(home, tmp_path / "new"), url, own) == EXPIRED


async def test_a_new_home_beside_others_changes_nothing(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> None:
    """Who joins a gateway that lives takes its word for the rows, however long it was silent before."""
    url = postgres.url(shared)
    async with linked(sandbox, tmp_path / "home", database_url=url) as own:
        assert await found(home_beside(own.at.home, tmp_path / "new"), url, own) == KEPT


@pytest.mark.usefixtures("quick")
async def test_new_homes_that_begin_together_do_not_vouch_for_each_other(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> None:
    """Of several that start at once over a copy the first finds nobody, and expires what may be used up."""
    url = postgres.url(shared)
    async with linked(sandbox, tmp_path / "home", database_url=url) as own:
        homes = [home_beside(own.at.home, tmp_path / f"new-{n}") for n in range(3)]
    await asyncio.gather(*(found(home, url, own) for home in homes))
    assert await found(homes[0], url, own) == EXPIRED


async def test_without_such_tokens_nobody_waits(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is nothing to lose a new home does not look for company at all."""
    monkeypatch.setattr(restored, "LOOK_S", 3600.0)
    url = postgres.url(shared)
    async with stage(sandbox, tmp_path / "home", database_url=url) as at:
        home = home_beside(at.home, tmp_path / "new")
    async with running(Settings(home=home.path, sandbox=True, database_url=url), BASE_URL) as gateway:
        assert all((await gateway.ready()).values())
