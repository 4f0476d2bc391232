"""A sandbox for the module, a gateway for the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateways import Stage, snowflake, stage
from postgres import Postgres
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def at(sandbox: RunningSandbox, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    sandbox.control.reset()
    async with AsyncExitStack() as stack:
        url = None
        if request.config.getoption("--postgres"):
            postgres: Postgres = request.getfixturevalue("postgres")
            name = await postgres.migrated()
            stack.push_async_callback(postgres.drop, name)
            url = postgres.url(name)
        yield await stack.enter_async_context(stage(sandbox, tmp_path / "home", database_url=url))
