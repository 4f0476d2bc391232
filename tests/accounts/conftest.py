"""A served gateway in front of a real account and a real identity provider, and browsers that walk their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from accounts.walk import Walk
from gateways import Stage, served, snowflake, stage
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def at(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Stage]:
    sandbox.control.reset()
    sandbox.account.sign_in.consents.clear()
    async with stage(sandbox, tmp_path / "home") as running:
        yield running


@pytest.fixture
async def walk(at: Stage) -> AsyncIterator[Walk]:
    async with served(at) as url:
        yield Walk(url, at)
