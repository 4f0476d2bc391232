"""Fixtures for tests of others: `pytest -p skipass.sandbox.pytest_plugin`, or `pytest_plugins` in a conftest.

`snowflake_sandbox` is an account of one's own for each test, `snowflake_sandbox_shared` one for the whole run; both
hold the demo's objects and serve real HTTP on a free loopback port.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skipass.sandbox.testing import RunningSandbox, running_sandbox


@pytest.fixture
def snowflake_sandbox() -> Iterator[RunningSandbox]:
    """Yield an account that nobody else uses and that is gone after the test."""
    with running_sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def snowflake_sandbox_shared() -> Iterator[RunningSandbox]:
    """Yield one account for all tests of a run; what a test leaves behind, the next one finds."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def snowflake_sandbox_tls() -> Iterator[RunningSandbox]:
    """Yield an account that serves https; `said["ca_file"]` is what a client must trust."""
    with running_sandbox(tls=True) as running:
        yield running
