"""What several rooms' tests share: one PostgreSQL server for the run, and a database of it for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from postgres import Postgres, binaries, running_postgres

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the gateway's tests run over PostgreSQL as well; those that reach into SQLite's file need it."""
    parser.addoption("--postgres", action="store_true", help="run the gateways of tests/gateway on PostgreSQL")


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
