"""One sandbox and one gateway for a module, served over real HTTP in the tests' own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateways import stage
from skipass.sandbox.testing import RunningSandbox
from surfaces.rest.house import House, house


@pytest.fixture(scope="module")
async def at(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    path: Path = tmp_path_factory.mktemp("gateway") / "home"
    async with stage(sandbox, path) as running, house(running) as served:
        yield served
