"""A served gateway whose people let MCP clients in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateways import Stage, served
from oauth.program import Quarter
from surfaces.console.browser import Browser


@pytest.fixture
async def quarter(at: Stage) -> AsyncIterator[Quarter]:
    async with served(at) as url:
        quarter = Quarter(url, at)
        await quarter.open("sam")
        yield quarter


@pytest.fixture
async def sam(quarter: Quarter) -> AsyncIterator[Browser]:
    """Yield a browser in which sam is signed in."""
    async with quarter.browser() as browser:
        yield await quarter.signed_in(browser)
