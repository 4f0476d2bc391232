"""One served gateway for a module, with everything of one tenant in it and another tenant beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateways import served, stage
from isolation.estate import Estate, settled
from skipass.sandbox.testing import RunningSandbox
from surfaces.rest.house import house


@pytest.fixture(scope="module")
async def estate(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    path: Path = tmp_path_factory.mktemp("isolation") / "home"
    async with stage(sandbox, path) as running, house(running) as served:
        yield await settled(served)


@pytest.fixture(scope="module")
async def front(estate: Estate) -> AsyncIterator[str]:
    """The address of the whole gateway, every surface of it."""
    async with served(estate.house.stage) as url:
        yield url
