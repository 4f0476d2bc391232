"""What the rooms' tests share: one PostgreSQL server for the run, a sandbox for a module, a gateway for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gateways import Stage, snowflake, stage
from postgres import Postgres, binaries, running_postgres
from skipass.sandbox.testing import RunningSandbox
from skipass.storage import entry as entry_module
from skipass.storage import pgjournal

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests with a gateway of their own run it over PostgreSQL as well."""
    parser.addoption("--postgres", action="store_true", help="run the gateways of a test's own on PostgreSQL")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let callers wait longer than a busy machine stops; a test of giving up sets it lower again."""
    monkeypatch.setattr(entry_module, "PATIENCE_S", 30.0)
    monkeypatch.setattr(pgjournal, "BATCH_S", 30.0)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    with running_postgres(programs) as server:
        yield server


@pytest.fixture
async def shared(postgres: Postgres) -> AsyncIterator[str]:
    """Yield the name of a migrated database of this test alone."""
    name = await postgres.migrated()
    yield name
    await postgres.drop(name)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def database_url(request: pytest.FixtureRequest) -> AsyncIterator[str | None]:
    """Yield where a gateway of the test's own keeps its rows: with --postgres in a database, else in its home."""
    if not request.config.getoption("--postgres"):
        yield None
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = await postgres.migrated()
    yield postgres.url(name)
    await postgres.drop(name)


@pytest.fixture
async def at(sandbox: RunningSandbox, tmp_path: Path, database_url: str | None) -> AsyncIterator[Stage]:
    """Yield a seeded gateway of the test's own, in front of the module's sandbox."""
    sandbox.control.reset()
    async with stage(sandbox, tmp_path / "home", database_url=database_url) as running:
        yield running
