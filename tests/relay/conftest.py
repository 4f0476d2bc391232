"""A gateway with a relay to the sandbox's managed MCP server, and what a test does with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from accounts.walk import Walk
from gateways import Stage, served
from relay.bench import Bench


@pytest.fixture
async def bench(at: Stage) -> Bench:
    return await Bench.over(at)


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    """Yield browsers that link people's accounts."""
    at.sandbox.account.sign_in.consents.clear()
    async with served(at) as url:
        yield Walk(url, at)
