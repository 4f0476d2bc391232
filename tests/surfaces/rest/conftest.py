"""One sandbox and one gateway for a module, served over real HTTP in the tests' own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateways import snowflake, stage
from skipass.sandbox.testing import RunningSandbox
from surfaces.rest.house import House, house


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture(scope="module")
async def at(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    path: Path = tmp_path_factory.mktemp("gateway") / "home"
    async with stage(sandbox, path) as running, house(running) as served:
        yield served
