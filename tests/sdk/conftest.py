"""A served gateway in front of a sandbox, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateways import Stage, served, stage
from skipass.sandbox.testing import RunningSandbox
from skipass.sdk import AsyncSkipass, Skipass


@dataclass(frozen=True, slots=True)
class Served:
    """A stage and where it is reached."""

    stage: Stage
    url: str

    @property
    def key(self) -> str:
        """The agent's key."""
        return str(self.stage.keys["agent"]["api_key"])


@pytest.fixture
async def at(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Served]:
    sandbox.control.reset()
    async with stage(sandbox, tmp_path / "home") as running, served(running) as url:
        yield Served(running, url)


@pytest.fixture
async def client(at: Served) -> AsyncIterator[AsyncSkipass]:
    async with AsyncSkipass(base_url=at.url, api_key=at.key) as one:
        yield one


@pytest.fixture
def blocking(at: Served) -> Iterator[Skipass]:
    with Skipass(base_url=at.url, api_key=at.key) as one:
        yield one
