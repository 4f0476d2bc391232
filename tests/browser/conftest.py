"""A served gateway with its pages, and one Chromium for the module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from gateways import Stage, served
from surfaces.console.browser import House

if TYPE_CHECKING:
    from browser.chrome import Chrome


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Chrome]:
    from browser.chrome import chromium, running_chrome

    path = chromium()
    if path is None:
        pytest.skip("Chromium is not installed")
    async with running_chrome(path) as running:
        yield running


@pytest.fixture(scope="module")
def program(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    from browser.axe import source

    cache = pytestconfig.cache.mkdir("browser-judge") if pytestconfig.cache else tmp_path_factory.mktemp("judge")
    found = source(cache)
    if found is None:
        pytest.skip("npm cannot install axe-core")
    return found


@pytest.fixture
async def house(at: Stage) -> AsyncIterator[House]:
    async with served(at) as url:
        yield House(url, at)
