"""A healthy house for each test: an account, a gateway, and a doctor who may look with an administrator's eyes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from doctor.clinic import Clinic
from gateways import snowflake, stage
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with snowflake() as running:
        yield running


@pytest.fixture
async def clinic(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Clinic]:
    async with stage(sandbox, tmp_path / "home") as at:
        clinic = Clinic(at, await at.principal("admin"))
        await clinic.add_eyes()
        yield clinic
