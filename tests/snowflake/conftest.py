"""What the tests of the Snowflake client share."""

from __future__ import annotations

import pytest
from hypothesis import settings


@pytest.fixture
def anyio_backend() -> str:
    """The client stands on asyncio."""
    return "asyncio"


# A shared machine may stop for longer than an example's usual deadline.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
