"""A gateway with a relay to the sandbox's managed MCP server, and what a test does with it."""

from __future__ import annotations

import pytest

from gateways import Stage
from relay.bench import Bench


@pytest.fixture
async def bench(at: Stage) -> Bench:
    return await Bench.over(at)
