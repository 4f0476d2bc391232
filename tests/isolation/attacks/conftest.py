"""A served gateway of its own for every attack: what one leaves behind must not help the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from accounts.walk import Walk
from gateways import served, stage
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture
async def walk(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Walk]:
    sandbox.control.reset()
    sandbox.account.sign_in.consents.clear()
    async with stage(sandbox, tmp_path / "home") as at, served(at) as url:
        yield Walk(url, at)
