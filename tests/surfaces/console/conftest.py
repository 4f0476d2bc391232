"""A served gateway with its pages, and browsers in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateways import Stage, served
from surfaces.console.browser import House


@pytest.fixture
async def house(at: Stage) -> AsyncIterator[House]:
    async with served(at) as url:
        yield House(url, at)
