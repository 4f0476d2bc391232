"""What the tests of the Snowflake client share."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The client stands on asyncio."""
    return "asyncio"
