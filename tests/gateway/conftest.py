"""A sandbox for the module, a gateway for the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateways import Stage, snowflake, stage
from postgres import Postgres
from skipass.errors import SkipassError
from skipass.sandbox.testing import RunningSandbox

OF_A_FILE = {"test_home", "test_secrets", "test_trouble"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Over PostgreSQL, skip a test that looks into the file there would be over SQLite."""
    try:
        return (yield)
    except SkipassError as error:
        if item.config.getoption("--postgres") and error.code == "not_initialised":
            pytest.skip("reads SQLite's file")
        raise


@pytest.fixture
async def at(sandbox: RunningSandbox, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    sandbox.control.reset()
    async with AsyncExitStack() as stack:
        url = None
        if request.config.getoption("--postgres"):
            if request.path.stem in OF_A_FILE:
                pytest.skip("is about SQLite's file")
            postgres: Postgres = request.getfixturevalue("postgres")
            name = await postgres.migrated()
            stack.push_async_callback(postgres.drop, name)
            url = postgres.url(name)
        yield await stack.enter_async_context(stage(sandbox, tmp_path / "home", database_url=url))
