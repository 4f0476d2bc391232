"""A served gateway in front of a real account and a real identity provider, and browsers that walk their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from accounts.walk import Walk
from gateways import Stage, served, snowflake, stage
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
async def at(request: pytest.FixtureRequest, sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Stage]:
    sandbox.control.reset()
    sandbox.account.sign_in.consents.clear()
    async with AsyncExitStack() as stack:
        url = None
        if request.config.getoption("--postgres"):
            postgres: Postgres = request.getfixturevalue("postgres")
            name = await postgres.migrated()
            stack.push_async_callback(postgres.drop, name)
            url = postgres.url(name)
        yield await stack.enter_async_context(stage(sandbox, tmp_path / "home", database_url=url))


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    async with served(at) as url:
        yield Walk(url, at)
